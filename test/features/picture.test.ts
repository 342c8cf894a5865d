import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { referenceFeatures } from '../../daemon/features/featureConfig.ts';
import { LogSpectrogram } from '../../daemon/features/logSpectrogram.ts';
import {
  type Picture,
  PictureStream,
  spectrogramBetween,
  waveformBetween,
} from '../../daemon/features/picture.ts';
import { testSound } from '../helpers.ts';

const spectrogram = await LogSpectrogram.create(referenceFeatures);
const sound = testSound('tone', 5.3, 1);

function drawn(samples: Float32Array, piece: number, length = samples.length): Picture {
  const stream = new PictureStream(spectrogram);
  for (let at = 0; at < samples.length; at += piece) stream.push(samples.subarray(at, at + piece));
  return stream.finish(length);
}

describe('a picture of sound that comes in pieces', () => {
  it('is the same however large the pieces are', () => {
    const whole = drawn(sound, sound.length);
    for (const piece of [1000, 4096, 37_777]) assert.deepEqual(drawn(sound, piece), whole);
  });

  it('has the decibels of the spectrogram of the whole, to within a step', () => {
    const image = spectrogramBetween(drawn(sound, 3000), 0, 5.3, 10_000);
    const exact = spectrogram.decibels(sound);
    assert.equal(image.rows * image.columns, exact.length);
    const bytes = Buffer.from(image.data, 'base64');
    exact.forEach((decibels, i) => {
      const shown = image.minimum + (bytes[i] / 255) * (image.maximum - image.minimum);
      assert.ok(Math.abs(shown - decibels) < 1, `${shown} dB instead of ${decibels} dB`);
    });
  });

  it('ends where the sound ends', () => {
    assert.equal(drawn(sound, 1000, sound.length - 40).columns, 1 + Math.floor((sound.length - 40) / 256));
    assert.equal(drawn(sound, 1000, sound.length + 300).columns, 1 + Math.floor((sound.length + 300) / 256));
  });

  it('knows the largest sample', () => {
    const loud = new Float32Array(1000);
    loud[700] = -0.75;
    assert.equal(drawn(loud, 300).peak, 0.75);
  });
});

describe('a part of a picture', () => {
  const picture: Picture = {
    bands: 2,
    columns: 6,
    loudness: Uint8Array.of(100, 0, 90, 0, 80, 0, 70, 10, 60, 0, 50, 0),
    frequencies: [500, 1000],
    secondsPerColumn: 1,
    peaks: Int8Array.of(-1, 2, -3, 4, -5, 6, -7, 8),
    secondsPerPeak: 0.5,
    peak: 0.1,
  };
  const decibels = (image: ReturnType<typeof spectrogramBetween>) =>
    Array.from(Buffer.from(image.data, 'base64'), (byte) => Math.round(image.minimum + (byte / 255) * 80));

  it('shows the loudest of the columns that share one, relative to the loudest of all', () => {
    const image = spectrogramBetween(picture, 0, 6, 3);
    assert.deepEqual([image.columns, image.secondsPerColumn, image.start], [3, 2, 0.5]);
    assert.deepEqual(decibels(image), [0, -12, -24, -60, -54, -60]);
  });

  it('begins with the column at its first second', () => {
    const image = spectrogramBetween(picture, 2, 4, 100);
    assert.deepEqual([image.columns, image.secondsPerColumn, image.start], [3, 1, 2]);
    assert.deepEqual(decibels(image).slice(0, 3), [-12, -18, -24]);
  });

  it('keeps the extremes of the waveform', () => {
    const image = waveformBetween(picture, 0, 2, 2);
    assert.deepEqual([image.columns, image.secondsPerColumn, image.start], [2, 1, 0]);
    assert.deepEqual([...new Int8Array(Buffer.from(image.peaks, 'base64'))], [-3, 4, -7, 8]);
  });

  it('has at least one column wherever it is', () => {
    assert.equal(spectrogramBetween(picture, 100, 101, 10).columns, 1);
    assert.equal(waveformBetween({ ...picture, peaks: new Int8Array(0) }, 0, 1, 10).columns, 1);
  });
});
