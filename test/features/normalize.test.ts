import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { type FeatureConfig, referenceFeatures } from '../../daemon/features/featureConfig.ts';
import { normalize, toDecibels } from '../../daemon/features/logSpectrogram.ts';
import { seededRandom } from '../../daemon/random.ts';

const bands = 6;
const frames = 10;
const configured = (normalization: FeatureConfig['normalization']): FeatureConfig => ({
  ...referenceFeatures,
  nMels: bands,
  normalization,
});

/** Random decibels plus an offset per band and one per frame. */
function decibels(bandOffset: (band: number) => number, frameOffset: (frame: number) => number) {
  const random = seededRandom(3);
  return Float32Array.from({ length: bands * frames }, (_, i) => {
    const band = Math.floor(i / frames);
    return 10 * uniformFloat64(random) + bandOffset(band) + frameOffset(i % frames);
  });
}

function assertAlike(actual: Float32Array, expected: Float32Array): void {
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]) < 1e-4, `value ${i}: ${value} for ${expected[i]}`);
  });
}

describe('normalised decibels', () => {
  const none = () => 0;
  const colour = (band: number) => 7 * band;
  const loudness = (frame: number) => 20 * Math.sin(frame);

  for (const normalization of ['clip', 'band', 'frame-and-band'] as const) {
    it(`have mean 0 and standard deviation 1 (${normalization})`, () => {
      const values = normalize(decibels(colour, loudness), configured(normalization));
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const squares = values.reduce((sum, value) => sum + value * value, 0) / values.length;
      assert.ok(Math.abs(mean) < 1e-5);
      assert.ok(Math.abs(squares - 1) < 1e-4);
    });
  }

  it('do not know the channel’s colour where each band’s mean is taken out', () => {
    const config = configured('band');
    assertAlike(normalize(decibels(colour, none), config), normalize(decibels(none, none), config));
  });

  it('know neither colour nor loudness contour where each frame’s mean is taken out too', () => {
    const config = configured('frame-and-band');
    assertAlike(normalize(decibels(colour, loudness), config), normalize(decibels(none, none), config));
  });

  it('keep the colour where only the clip’s mean is taken out', () => {
    const values = normalize(decibels(colour, none), configured('clip'));
    assert.ok(values[(bands - 1) * frames] > values[0]);
  });
});

describe('powers in decibels', () => {
  it('are relative to the loudest and no lower than 80 below it', () => {
    assert.deepEqual(toDecibels(Float32Array.of(100, 1, 1e-9)), Float32Array.of(0, -20, -80));
  });
});
