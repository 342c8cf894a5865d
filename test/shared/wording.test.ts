import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Verdict } from '../../shared/verdict.ts';
import {
  durationText,
  fileSizeText,
  frequencyText,
  headline,
  percent,
  summary,
} from '../../shared/wording.ts';

test('a percentage never claims certainty', () => {
  assert.equal(percent(1), 'over 99.9 %');
  assert.equal(percent(0), 'under 0.1 %');
  assert.equal(percent(0.9994), 'over 99.9 %');
  assert.equal(percent(0.999), '99.9 %');
});

test('a percentage has a decimal only near the ends', () => {
  assert.equal(percent(0.5), '50 %');
  assert.equal(percent(0.8749), '87 %');
  assert.equal(percent(0.9351), '93.5 %');
  assert.equal(percent(0.0312), '3.1 %');
});

test('each decision has a headline of its own', () => {
  const headlines = (['Genuine', 'Deepfake', 'Inconclusive'] as const).map(headline);
  assert.equal(new Set(headlines).size, 3);
});

test('the summary says where the line is drawn', () => {
  const verdict = { deepfakeProbability: 0.62, threshold: 0.41 } as Verdict;
  assert.equal(
    summary(verdict),
    'Probability of synthetic speech: 62 %. From 41 % on, a file counts as a deepfake.',
  );
});

test('durations are read as people write them', () => {
  assert.equal(durationText(3.254), '3.25 s');
  assert.equal(durationText(48), '48 s');
  assert.equal(durationText(59.99), '1:00 min');
  assert.equal(durationText(125.4), '2:05 min');
  assert.equal(durationText(3729), '1:02:09 h');
});

test('frequencies and sizes take the unit that fits', () => {
  assert.equal(frequencyText(852.4), '852 Hz');
  assert.equal(frequencyText(4100), '4.1 kHz');
  assert.equal(fileSizeText(912), '912 bytes');
  assert.equal(fileSizeText(48_212), '48 kB');
  assert.equal(fileSizeText(1_240_000), '1.2 MB');
});
