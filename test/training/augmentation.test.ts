import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { clipSpectrum } from '../../daemon/features/clipSpectrum.ts';
import { type FeatureConfig, frameCount, referenceFeatures } from '../../daemon/features/featureConfig.ts';
import { LogSpectrogram, normalize } from '../../daemon/features/logSpectrogram.ts';
import { extractWindow } from '../../daemon/features/windows.ts';
import { seededRandom } from '../../daemon/random.ts';
import {
  type Augmentation,
  augmentationSchema,
  augmentedFeatures,
  viewFrames,
} from '../../daemon/training/augmentation.ts';

const config: FeatureConfig = {
  ...referenceFeatures,
  fmin: 0,
  fmax: 8000,
  scale: 'linear',
  normalization: 'band',
  padding: 'tile',
};
const bands = config.nMels;
const frames = frameCount(config);

/** A tone that comes and goes over faint noise. */
function clip(seconds: number): Float32Array {
  const random = seededRandom(5);
  return Float32Array.from({ length: Math.round(seconds * config.sampleRate) }, (_, n) => {
    const envelope = 0.5 + 0.5 * Math.sin((2 * Math.PI * 3 * n) / config.sampleRate);
    return 0.3 * envelope * Math.sin(0.4 * n) + 0.01 * (2 * uniformFloat64(random) - 1);
  });
}

let spectrogram: LogSpectrogram;
before(async () => {
  spectrogram = await LogSpectrogram.create(config);
});

function view(samples: Float32Array, augmentation: Augmentation, ...stream: number[]): Float32Array {
  const spectrum = clipSpectrum(samples, spectrogram);
  const random = seededRandom(7, ...stream);
  return augmentedFeatures(spectrum, augmentation, config, spectrogram.frequencies, random);
}

const row = (features: Float32Array, band: number): Float32Array => {
  const width = features.length / bands;
  return features.subarray(band * width, (band + 1) * width);
};
const isZero = (values: Float32Array): boolean => values.every((value) => value === 0);

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

describe('an augmented view of a clip', () => {
  it('is what prediction sees when nothing happens to a clip as long as a window', () => {
    const samples = clip(config.duration);
    assert.deepEqual(view(samples, {}), spectrogram.features(samples));
  });

  it('is a rotation of what prediction sees where the clip is short and repeated', () => {
    const period = 50;
    const samples = clip((period * config.hopLength) / config.sampleRate);
    const expected = spectrogram.features(extractWindow(samples, 0, config));
    const features = view(samples, {});
    // The window's ends have zeros beyond them in prediction, so both are compared away from the ends.
    const distance = (shift: number) => {
      const differences: number[] = [];
      for (let band = 0; band < bands; band++) {
        for (let t = 4; t < frames - period - 4; t++) {
          differences.push(Math.abs(row(features, band)[t] - row(expected, band)[t + shift]));
        }
      }
      return differences.reduce((sum, value) => sum + value, 0) / differences.length;
    };
    const distances = Array.from({ length: period }, (_, shift) => distance(shift)).sort((a, b) => a - b);
    assert.ok(distances[0] < 0.03, `the nearest rotation differs by ${distances[0]}`);
    assert.ok(distances[1] > 2 * distances[0], 'any rotation would have passed');
  });

  it('is the same for the same random stream and another for another', () => {
    const samples = clip(2);
    const everything: Augmentation = {
      noise: { probability: 1, snr: [10, 30] },
      equalizer: { probability: 1, decibels: 12 },
      bandMask: { probability: 1, bands: 8 },
    };
    assert.deepEqual(view(samples, everything, 1, 2), view(samples, everything, 1, 2));
    assert.notDeepEqual(view(samples, everything, 1, 2), view(samples, everything, 1, 3));
  });

  it('is as wide as the crop', () => {
    const features = view(clip(2), { crop: 1 });
    assert.equal(viewFrames({ crop: 1 }, config), 63);
    assert.equal(features.length, bands * 63);
  });

  it('fluctuates in a band of pure noise as it would with white noise in the samples', () => {
    const samples = clip(config.duration);
    const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
    const random = seededRandom(9);
    // Uniform values in ±1 have a variance of 1/3; this is 10 dB below the signal.
    const gain = Math.sqrt((3 * power) / 10);
    const noisy = samples.map((value) => value + gain * (2 * uniformFloat64(random) - 1));
    const whole = { ...config, normalization: 'clip' as const };
    const real = deviation(row(normalize(spectrogram.decibels(noisy), whole), 50));
    const spectrum = clipSpectrum(samples, spectrogram);
    const noise: Augmentation = { noise: { probability: 1, snr: [10, 10] } };
    const simulated = Array.from({ length: 41 }, (_, i) =>
      deviation(
        row(augmentedFeatures(spectrum, noise, whole, spectrogram.frequencies, seededRandom(3, i)), 50),
      ),
    ).sort((a, b) => a - b)[20];
    assert.ok(Math.abs(simulated / real - 1) < 0.3, `${simulated} against ${real}`);
  });

  it('has nothing above a band limit', () => {
    const features = view(clip(2), { bandLimit: { probability: 1, cutoff: [4000, 4000] } });
    spectrogram.frequencies.forEach((hertz, band) => {
      assert.equal(isZero(row(features, band)), hertz > 4000, `${hertz} Hz`);
    });
  });

  it('has one run of masked bands and one of masked frames, each no wider than asked for', () => {
    for (let i = 0; i < 20; i++) {
      const masked = view(clip(2), { bandMask: { probability: 1, bands: 6 } }, i);
      const empty = Array.from({ length: bands }, (_, band) => band).filter((b) => isZero(row(masked, b)));
      assert.ok(empty.length >= 1 && empty.length <= 6);
      assert.equal((empty.at(-1) as number) - empty[0], empty.length - 1);

      const cut = view(clip(2), { timeMask: { probability: 1, frames: 9 } }, i);
      const columns = Array.from({ length: frames }, (_, t) => t).filter((t) =>
        Array.from({ length: bands }, (_, band) => row(cut, band)[t]).every((value) => value === 0),
      );
      assert.ok(columns.length >= 1 && columns.length <= 9);
      assert.equal((columns.at(-1) as number) - columns[0], columns.length - 1);
    }
  });

  it('is refused a range that runs backwards and a part that does not exist', () => {
    const noise = { probability: 0.5, snr: [30, 10] };
    assert.equal(augmentationSchema.safeParse({ noise }).success, false);
    assert.equal(augmentationSchema.safeParse({ echo: {} }).success, false);
  });
});
