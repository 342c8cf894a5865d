import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hertzTicks, timeTicks } from '../../media/report/axes.ts';
import { matrixBytes, valueAt } from '../../media/report/byteMatrix.ts';
import { describeSpectrogram, describeWindows, strongestEvidence } from '../../media/report/description.ts';
import { barEdges } from '../../media/report/windowStrip.ts';
import type { EvidenceMap, SpectrogramImage, Verdict } from '../../shared/verdict.ts';

const base64 = (...bytes: number[]) => Buffer.from(bytes).toString('base64');

const spectrogram: SpectrogramImage = {
  rows: 4,
  columns: 2,
  minimum: -80,
  maximum: 0,
  data: base64(0, 1, 2, 3, 4, 5, 6, 7),
  frequencies: [500, 1000, 2000, 4000],
  start: 0,
  secondsPerColumn: 1,
  unit: 'dB',
};

/** Two bands of two seconds: strongly synthetic above in the second one, slightly genuine below in the first. */
const evidence: EvidenceMap = {
  rows: 2,
  columns: 2,
  minimum: -1,
  maximum: 1,
  data: base64(100, 128, 128, 255),
  start: 0,
  duration: 2,
  fmin: 400,
  fmax: 5000,
  outside: 0,
};

const verdict = { audio: { duration: 2 }, spectrogram, evidence } as Verdict;

test('a matrix gives its bytes and their values', () => {
  assert.deepEqual([...matrixBytes(evidence)], [100, 128, 128, 255]);
  assert.equal(valueAt(evidence, 255), 1);
  assert.equal(valueAt(spectrogram, 0), -80);
});

test('a matrix whose bytes do not fit its size is refused', () => {
  assert.throws(() => matrixBytes({ ...evidence, columns: 3 }), /2 × 3 came with 4 bytes/);
});

test('the strongest evidence is found with its time and frequency', () => {
  assert.deepEqual(strongestEvidence(evidence, spectrogram.frequencies), {
    towardsDeepfake: { start: 1, end: 2, frequency: 4000 },
    towardsGenuine: { start: 0, end: 1, frequency: 1000 },
  });
});

test('evidence for one class only leaves the other out', () => {
  const oneSided = { ...evidence, minimum: 0.1 };
  assert.equal(strongestEvidence(oneSided, spectrogram.frequencies).towardsGenuine, undefined);
});

test('the spectrogram is told in words', () => {
  assert.equal(
    describeSpectrogram(verdict),
    'Loudness of 2 s of sound from 500 Hz to 4 kHz. What sounds most synthetic lies at 1.5 s around 4 kHz. ' +
      'What sounds most genuine lies at 0.5 s around 1 kHz.',
  );
});

test('silence that a clip was filled up with is told of, since it is not shown', () => {
  const filled = (outside: number) => describeSpectrogram({ ...verdict, evidence: { ...evidence, outside } });
  assert.match(
    filled(0.3),
    /silence that the clip was filled up with speaks for synthetic and is not shown\.$/,
  );
  assert.match(filled(-0.3), /speaks for genuine and is not shown\.$/);
  assert.doesNotMatch(filled(0), /silence/);
});

test('the windows are told by their extremes', () => {
  const windows = [0.2, 0.9, 0.4].map((deepfakeProbability, i) => ({
    start: 2 * i,
    end: 2 * i + 4,
    deepfakeProbability,
    logit: 0,
  }));
  assert.equal(
    describeWindows(windows),
    '3 overlapping windows: the most synthetic is 90 % from 2 s to 6 s, the most genuine 20 % from 0 s to 4 s.',
  );
});

test('bars of overlapping windows meet half-way between their centres and fill the time', () => {
  const window = (start: number) => ({ start, end: start + 4, deepfakeProbability: 0.5, logit: 0 });
  assert.deepEqual(barEdges([0, 2, 3].map(window)), [0, 3, 4.5, 7]);
});

test('ticks of the time axis are round and leave room for their labels', () => {
  const labels = (start: number, end: number, width = 500) =>
    timeTicks({ start, end }, width).map(({ label }) => label);
  assert.deepEqual(labels(0, 4), ['0', '1', '2', '3', '4']);
  assert.deepEqual(labels(0, 7200), ['0:00', '20:00', '40:00', '1:00:00', '1:20:00', '1:40:00', '2:00:00']);
  assert.deepEqual(labels(3.93, 4.31), ['4', '4.1', '4.2', '4.3']);
  assert.deepEqual(labels(3599.9, 3600.2), [
    '59:59.90',
    '59:59.95',
    '1:00:00.00',
    '1:00:00.05',
    '1:00:00.10',
    '1:00:00.15',
    '1:00:00.20',
  ]);
});

test('ticks of a part of the time axis lie at their time', () => {
  assert.deepEqual(timeTicks({ start: 1, end: 5 }, 200)[0], { position: 0.25, label: '2' });
});

test('ticks of the frequency axis sit at their place between the rows', () => {
  assert.deepEqual(hertzTicks(spectrogram.frequencies, 400), [
    { position: 0.125, label: '500' },
    { position: 0.375, label: '1k' },
    { position: 0.625, label: '2k' },
    { position: 0.75, label: '3k' },
    { position: 0.875, label: '4k' },
  ]);
});
