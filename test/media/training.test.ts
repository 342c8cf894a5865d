import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trainingHtml } from '../../extension/training/trainingHtml.ts';
import { epochTicks, niceCeiling } from '../../media/training/chart.ts';

test('an axis ends at a round number above the highest value', () => {
  for (const [value, ceiling] of [
    [0.5, 0.6],
    [0.08, 0.08],
    [0.69, 0.8],
    [0.1, 0.12],
    [1.3, 2],
    [9, 12],
  ]) {
    assert.ok(Math.abs(niceCeiling(value) - ceiling) < 1e-9, `${value}: ${niceCeiling(value)}`);
  }
});

test('epochs are labelled from the first one on, with room for each label', () => {
  assert.deepEqual(epochTicks(5, 400), [1, 2, 3, 4, 5]);
  assert.deepEqual(epochTicks(72, 400), [1, 10, 20, 30, 40, 50, 60, 70]);
  assert.ok(epochTicks(100_000, 400).length < 12);
});

test('the page of a run has each id once, and every reference leads to one', () => {
  const page = trainingHtml({
    cspSource: 'https://webview.example',
    nonce: 'x',
    script: '',
    style: '',
    language: 'en',
    translations: {},
  });
  const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const [, reference] of page.matchAll(/\saria-labelledby="([^"]+)"/g))
    assert.ok(ids.includes(reference));
  assert.doesNotMatch(page, /\sstyle=|\son[a-z]+=/);
});
