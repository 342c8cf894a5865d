import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reportHtml } from '../../extension/report/reportHtml.ts';
import { resultsHtml } from '../../extension/report/resultsHtml.ts';
import { trainingHtml } from '../../extension/training/trainingHtml.ts';

const resources = {
  cspSource: 'https://webview.example',
  nonce: 'bm9uY2U',
  script: 'start()',
  style: 'p{margin:0}',
  language: 'de',
  translations: { 'Say "no"': 'Sag <nein> & "nein"' },
};
const SOUND = 'media-src https://webview.example blob:';
const pages: [name: string, page: string, more: string[]][] = [
  ['a report', reportHtml(resources), [SOUND]],
  ['cards of several files', resultsHtml(resources), []],
  ['a training run', trainingHtml(resources), []],
];

for (const [name, page, more] of pages) {
  describe(`the page of ${name}`, () => {
    it('allows nothing but its own script, style, pictures and, where it plays, sound', () => {
      const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1].split('; ');
      assert.deepEqual(policy, [
        "default-src 'none'",
        "script-src 'nonce-bm9uY2U'",
        "style-src 'nonce-bm9uY2U'",
        'img-src https://webview.example blob: data:',
        ...more,
      ]);
    });

    it('has one script and one style sheet, and neither style attributes nor event handlers', () => {
      assert.deepEqual(page.match(/<script[^>]*>/g), ['<script nonce="bm9uY2U">']);
      assert.deepEqual(page.match(/<style[^>]*>/g), ['<style nonce="bm9uY2U">']);
      assert.doesNotMatch(page, /\sstyle=|\son[a-z]+=/);
    });

    it('uses every id once, and every reference from a label leads to one', () => {
      const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]);
      assert.equal(new Set(ids).size, ids.length);
      for (const [, reference] of page.matchAll(/\s(?:aria-labelledby|aria-describedby|for)="([^"]+)"/g)) {
        for (const id of reference.split(' ')) assert.ok(ids.includes(id), id);
      }
    });

    it('gets its translations whatever characters they have', () => {
      assert.match(page, /^<html lang="de">$/m);
      const [, attribute] = /<body data-translations="([^"]*)">/.exec(page) ?? [];
      assert.doesNotMatch(attribute, /[<>]/);
      const json = attribute.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
      assert.deepEqual(JSON.parse(json), { 'Say "no"': 'Sag <nein> & "nein"' });
    });
  });
}

describe('the page of cards of several files', () => {
  const page = resultsHtml(resources);

  it('is a list with a name, and its state is told to screen readers', () => {
    assert.match(page, /<ul id="cards" aria-label="Files detected">/);
    assert.match(page, /<p id="status"[^>]* role="status">/);
  });
});
