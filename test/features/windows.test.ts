import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FeatureConfig, referenceFeatures } from '../../daemon/features/featureConfig.ts';
import { audibleStarts, extractWindow, windowStarts } from '../../daemon/features/windows.ts';

/** Ten samples per window. */
const config: FeatureConfig = { ...referenceFeatures, sampleRate: 10, duration: 1 };
const ramp = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => i + 1);

describe('windows', () => {
  it('are a single one for sound that fits into it', () => {
    for (const length of [1, 9, 10]) assert.deepEqual(windowStarts(length, config, 0.5), [0]);
  });

  it('cover the whole file and end with it, whatever its length and the overlap', () => {
    for (const overlap of [0, 0.25, 0.5, 0.9]) {
      for (let length = 11; length < 60; length++) {
        const starts = windowStarts(length, config, overlap);
        assert.equal(starts[0], 0);
        assert.equal(starts[starts.length - 1], length - 10);
        const hop = Math.round(10 * (1 - overlap));
        starts.slice(1).forEach((start, i) => {
          const step = start - starts[i];
          assert.ok(step > 0 && step <= hop, `step ${step} at overlap ${overlap} and length ${length}`);
        });
      }
    }
  });

  it('overlap by half where that is asked for', () => {
    assert.deepEqual(windowStarts(27, config, 0.5), [0, 5, 10, 15, 17]);
  });

  it('always move on, even where the overlap leaves less than a sample', () => {
    assert.deepEqual(windowStarts(13, config, 0.99), [0, 1, 2, 3]);
  });

  it('hold the samples from their start on', () => {
    assert.deepEqual([...extractWindow(ramp(30), 7, config)], [8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
  });

  it('are filled up with zeros at the end, as the reference does', () => {
    assert.deepEqual([...extractWindow(ramp(3), 0, config)], [1, 2, 3, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('are filled up by repeating the sound where the configuration says so', () => {
    const tile: FeatureConfig = { ...config, padding: 'tile' };
    assert.deepEqual([...extractWindow(ramp(3), 0, tile)], [1, 2, 3, 1, 2, 3, 1, 2, 3, 1]);
    assert.deepEqual([...extractWindow(ramp(1), 0, tile)], new Array(10).fill(1));
    assert.deepEqual([...extractWindow(ramp(9), 0, tile)], [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]);
  });
});

describe('silent windows', () => {
  const loudness = (...levels: number[]): Float32Array =>
    Float32Array.from(levels.flatMap((level) => new Array(10).fill(level)));
  const audible = (...levels: number[]) => {
    const samples = loudness(...levels);
    return audibleStarts(samples, windowStarts(samples.length, config, 0), config);
  };

  it('are left out, in order', () => {
    assert.deepEqual(audible(0.5, 0, 0.25, 0), [0, 20]);
  });

  it('are those more than 40 dB below the loudest', () => {
    assert.deepEqual(audible(1, 0.0101, 0.0099), [0, 10]);
  });

  it('are all of them where nothing reaches −80 dBFS', () => {
    assert.deepEqual(audible(0.9e-4, 0.8e-4), []);
    assert.deepEqual(audible(0, 0), []);
    assert.deepEqual(audible(1.1e-4, 0), [0]);
  });

  it('are measured over the sound that is there, not over its padding', () => {
    assert.deepEqual(audibleStarts(Float32Array.of(2e-4), [0], config), [0]);
  });
});
