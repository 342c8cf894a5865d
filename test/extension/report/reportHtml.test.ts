import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportHtml } from '../../../extension/report/reportHtml.ts';

const page = reportHtml({
  cspSource: 'https://webview.example',
  nonce: 'bm9uY2U',
  script: 'start()',
  style: 'p{margin:0}',
  language: 'de',
  translations: { 'Say "no"': 'Sag <nein> & "nein"' },
});

test('the page allows nothing but its own script, style, pictures and sound', () => {
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1].split('; ');
  assert.deepEqual(policy, [
    "default-src 'none'",
    "script-src 'nonce-bm9uY2U'",
    "style-src 'nonce-bm9uY2U'",
    'img-src https://webview.example blob: data:',
    'media-src https://webview.example blob:',
  ]);
});

test('the page has one script and one style sheet, and neither style attributes nor event handlers', () => {
  assert.deepEqual(page.match(/<script[^>]*>/g), ['<script nonce="bm9uY2U">']);
  assert.deepEqual(page.match(/<style[^>]*>/g), ['<style nonce="bm9uY2U">']);
  assert.doesNotMatch(page, /\sstyle=|\son[a-z]+=/);
});

test('every id is used once, and every reference from a label leads to one', () => {
  const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]);
  assert.equal(new Set(ids).size, ids.length);
  for (const [, reference] of page.matchAll(/\s(?:aria-labelledby|aria-describedby|for)="([^"]+)"/g)) {
    for (const id of reference.split(' ')) assert.ok(ids.includes(id), id);
  }
});

test('translations reach the page whatever characters they have', () => {
  assert.match(page, /^<html lang="de">$/m);
  const [, attribute] = /<body data-translations="([^"]*)">/.exec(page) ?? [];
  assert.doesNotMatch(attribute, /[<>]/);
  const json = attribute.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
  assert.deepEqual(JSON.parse(json), { 'Say "no"': 'Sag <nein> & "nein"' });
});
