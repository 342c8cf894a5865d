import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pictureBytes, savedReport } from '../../../extension/report/savedReport.ts';
import { audioFacts, testModel, verdictOf } from '../../verdicts.ts';

const url = (text: string) => `data:image/webp;base64,${Buffer.from(text).toString('base64')}`;
const pictures = { light: url('light'), dark: url('dark') };
const names = { name: '<b>"clip" & co.wav', folder: 'clips', uri: 'file:///clips' };
const verdict = verdictOf('/clips/<b>.wav', 0.875, {
  audio: {
    ...audioFacts,
    sampleRate: 44_100,
    channels: 2,
    duration: 1.5,
    warnings: ['The <stream> has no end mark.'],
  },
  model: { ...testModel, name: 'Model <1>' },
  preparation: { sampleRate: 16_000, window: 4, filledWith: 'silence', peak: 1 },
});
const page = savedReport(names, verdict, pictures);

test('a saved report needs no script, and nothing from elsewhere', () => {
  assert.match(page, /content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"/);
  assert.doesNotMatch(page, /<script|<link|\son[a-z]+=|@import|url\(|https?:/);
});

test('a saved report has a picture for light and one for dark pages', () => {
  assert.ok(page.includes(`<img src="${pictures.light}"`));
  assert.ok(page.includes(`<source media="(prefers-color-scheme: dark)" srcset="${pictures.dark}">`));
});

test('names and remarks are text in it', () => {
  assert.ok(page.includes('<h1>&#60;b&#62;&#34;clip&#34; &#38; co.wav</h1>'));
  assert.ok(page.includes('The &#60;stream&#62; has no end mark.'));
  assert.ok(page.includes('Model &#60;1&#62;'));
});

test('it tells the verdict, the model and what was done to the sound', () => {
  for (const words of [
    'Probably synthetic speech',
    '88 %',
    'ab'.repeat(32),
    'averaged to one channel, resampled to 16 kHz, filled up with silence to 4 s',
    '0.0 dBFS: the sound may be clipped',
  ]) {
    assert.ok(page.includes(words), words);
  }
});

test('only a picture of the format is taken for one', () => {
  assert.equal(pictureBytes(url('abc'), 'webp').toString(), 'abc');
  assert.throws(() => pictureBytes(url('abc'), 'png'), RangeError);
  assert.throws(() => pictureBytes('data:image/svg+xml;base64,AAAA', 'png'), RangeError);
  assert.throws(() => savedReport(names, verdict, { light: '"><script>', dark: pictures.dark }), RangeError);
});
