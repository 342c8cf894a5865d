import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockText, pointValue, positionText, readOut } from '../../media/report/readOut.ts';
import { following, isWhole, panned, SHORTEST_VIEW, wholeView, zoomed } from '../../media/report/timeView.ts';
import { waveformPeaks } from '../../media/report/waveform.ts';
import type { EvidenceMap, SpectrogramImage } from '../../shared/verdict.ts';

const base64 = (...bytes: number[]) => Buffer.from(bytes).toString('base64');

test('zooming keeps the time under the pointer where it is', () => {
  assert.deepEqual(zoomed({ start: 0, end: 8 }, 2, 2, 8), { start: 1, end: 5 });
  assert.deepEqual(zoomed({ start: 2, end: 6 }, 2, 6, 8), { start: 4, end: 6 });
});

test('zooming out ends with the whole file, and never shows what lies outside of it', () => {
  assert.deepEqual(zoomed({ start: 6, end: 8 }, 0.5, 8, 8), { start: 4, end: 8 });
  const view = zoomed({ start: 3, end: 5 }, 0.01, 4, 8);
  assert.deepEqual(view, wholeView(8));
  assert.ok(isWhole(view, 8));
});

test('there is a closest look, and for shorter clips it is the whole', () => {
  const { start, end } = zoomed({ start: 0, end: 8 }, 1e9, 4, 8);
  assert.equal(end - start, SHORTEST_VIEW);
  assert.deepEqual(zoomed(wholeView(0.1), 10, 0.05, 0.1), wholeView(0.1));
});

test('moving the view stops at both ends', () => {
  assert.deepEqual(panned({ start: 2, end: 4 }, 1, 8), { start: 3, end: 5 });
  assert.deepEqual(panned({ start: 2, end: 4 }, -5, 8), { start: 0, end: 2 });
  assert.deepEqual(panned({ start: 2, end: 4 }, 50, 8), { start: 6, end: 8 });
});

test('the view follows a time only where it leaves the view', () => {
  const view = { start: 2, end: 4 };
  assert.equal(following(view, 3, 8), view);
  assert.deepEqual(following(view, 4.5, 8), { start: 4.5, end: 6.5 });
  assert.deepEqual(following(view, 7.5, 8), { start: 6, end: 8 });
  assert.deepEqual(following(view, 0, 8), { start: 0, end: 2 });
});

const spectrogram: SpectrogramImage = {
  rows: 2,
  columns: 3,
  minimum: -80,
  maximum: 0,
  data: base64(0, 51, 102, 153, 204, 255),
  frequencies: [500, 2000],
  start: 1,
  secondsPerColumn: 0.5,
  unit: 'dB',
};
/** One band of two columns. */
const evidence: EvidenceMap = {
  rows: 1,
  columns: 2,
  minimum: -2,
  maximum: 2,
  data: base64(0, 191),
  start: 1,
  duration: 1,
  fmin: 0,
  fmax: 4000,
  outside: 0,
};

test('a point has the values of its column, its band and its region', () => {
  assert.deepEqual(pointValue(spectrogram, evidence, 1.1, 0.2), {
    frequency: 500,
    decibels: -80,
    evidence: -1,
  });
  assert.deepEqual(pointValue(spectrogram, undefined, 2, 1), {
    frequency: 2000,
    decibels: 0,
    evidence: undefined,
  });
  assert.equal(pointValue(spectrogram, evidence, 0.5, 0.5), undefined);
  assert.equal(pointValue(spectrogram, evidence, 2.2, 0.5)?.evidence, undefined);
});

test('a point is told by time, frequency, loudness and evidence', () => {
  assert.equal(
    readOut(1.1, { frequency: 500, decibels: -79.6, evidence: -1 }),
    '1.10 s · 500 Hz · −80 dB · genuine, 100 % of the strongest',
  );
  assert.equal(
    readOut(75, { frequency: 2000, decibels: 0, evidence: 0.5 }),
    '1:15.00 · 2 kHz · 0 dB · synthetic, 50 % of the strongest',
  );
  assert.match(readOut(1, { frequency: 500, decibels: 0, evidence: 0.001 }), /· no evidence$/);
  assert.equal(readOut(1, { frequency: 500, decibels: -12 }), '1.00 s · 500 Hz · −12 dB');
  assert.equal(readOut(1, undefined), '1.00 s');
});

test('times are told as on a clock', () => {
  assert.deepEqual(
    [5, 65, 3725].map((seconds) => clockText(seconds)),
    ['0:05', '1:05', '1:02:05'],
  );
  assert.deepEqual(
    [59.96, 0, 3725.25].map((seconds) => clockText(seconds, 1)),
    ['1:00.0', '0:00.0', '1:02:05.3'],
  );
  assert.equal(positionText(3725.25), '1:02:05.25');
});

test('a waveform gives its extremes, and one of the wrong size is refused', () => {
  const waveform = { columns: 2, start: 0, secondsPerColumn: 1, peaks: base64(129, 127, 0, 0) };
  assert.deepEqual([...waveformPeaks(waveform)], [-1, 1, 0, 0]);
  assert.throws(() => waveformPeaks({ ...waveform, columns: 3 }), /3 columns came with 4 bytes/);
});
