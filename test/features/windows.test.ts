import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FeatureConfig, referenceFeatures } from '../../daemon/features/featureConfig.ts';
import { extractWindow } from '../../daemon/features/windows.ts';

/** Ten samples per window. */
const config: FeatureConfig = { ...referenceFeatures, sampleRate: 10, duration: 1 };
const ramp = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => i + 1);

describe('windows', () => {
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
