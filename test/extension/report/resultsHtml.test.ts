import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resultsHtml } from '../../../extension/report/resultsHtml.ts';

const page = resultsHtml({
  cspSource: 'https://webview.example',
  nonce: 'bm9uY2U',
  script: 'start()',
  style: 'p{margin:0}',
  language: 'en',
  translations: {},
});

test('the page of the cards allows nothing but its own script, style and pictures', () => {
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1].split('; ');
  assert.deepEqual(policy, [
    "default-src 'none'",
    "script-src 'nonce-bm9uY2U'",
    "style-src 'nonce-bm9uY2U'",
    'img-src https://webview.example blob: data:',
  ]);
  assert.deepEqual(page.match(/<script[^>]*>/g), ['<script nonce="bm9uY2U">']);
  assert.deepEqual(page.match(/<style[^>]*>/g), ['<style nonce="bm9uY2U">']);
  assert.doesNotMatch(page, /\sstyle=|\son[a-z]+=/);
});

test('the cards are a list with a name, and their state is told to screen readers', () => {
  assert.match(page, /<ul id="cards" aria-label="Files detected">/);
  assert.match(page, /<p id="status"[^>]* role="status">/);
});
