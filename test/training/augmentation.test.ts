import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { clipSpectrum } from '../../daemon/features/clipSpectrum.ts';
import { frameCount } from '../../daemon/features/featureConfig.ts';
import { LogSpectrogram, normalize } from '../../daemon/features/logSpectrogram.ts';
import { extractWindow } from '../../daemon/features/windows.ts';
import { seededRandom } from '../../daemon/random.ts';
import {
  type Augmentation,
  augmentationSchema,
  augmentedFeatures,
  chooseVariant,
  viewFrames,
} from '../../daemon/training/augmentation.ts';
import { mixExamples } from '../../daemon/training/mixup.ts';
import { addReverberation } from '../../daemon/training/roomResponse.ts';
import { atSpeed } from '../../daemon/training/speed.ts';
import { linearFeatures } from '../helpers.ts';

const bands = linearFeatures.nMels;
const frames = frameCount(linearFeatures);

/** A tone that comes and goes over faint noise. */
function clip(seconds: number): Float32Array {
  const random = seededRandom(5);
  return Float32Array.from({ length: Math.round(seconds * linearFeatures.sampleRate) }, (_, n) => {
    const envelope = 0.5 + 0.5 * Math.sin((2 * Math.PI * 3 * n) / linearFeatures.sampleRate);
    return 0.3 * envelope * Math.sin(0.4 * n) + 0.01 * (2 * uniformFloat64(random) - 1);
  });
}

let spectrogram: LogSpectrogram;
before(async () => {
  spectrogram = await LogSpectrogram.create(linearFeatures);
});

function view(samples: Float32Array, augmentation: Augmentation, ...stream: number[]): Float32Array {
  const spectrum = clipSpectrum(samples, spectrogram);
  const random = seededRandom(7, ...stream);
  return augmentedFeatures(spectrum, augmentation, linearFeatures, spectrogram.frequencies, random);
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
    const samples = clip(linearFeatures.duration);
    assert.deepEqual(view(samples, {}), spectrogram.features(samples));
  });

  it('is a rotation of what prediction sees where the clip is short and repeated', () => {
    const period = 50;
    const samples = clip((period * linearFeatures.hopLength) / linearFeatures.sampleRate);
    const expected = spectrogram.features(extractWindow(samples, 0, linearFeatures));
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
    assert.equal(viewFrames({ crop: 1 }, linearFeatures), 63);
    assert.equal(features.length, bands * 63);
  });

  it('fluctuates in a band of pure noise as it would with white noise in the samples', () => {
    const samples = clip(linearFeatures.duration);
    const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
    const random = seededRandom(9);
    // Uniform values in ±1 have a variance of 1/3; this is 10 dB below the signal.
    const gain = Math.sqrt((3 * power) / 10);
    const noisy = samples.map((value) => value + gain * (2 * uniformFloat64(random) - 1));
    const whole = { ...linearFeatures, normalization: 'clip' as const };
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

  it('reverberates with the energy and the decay of its room', () => {
    // A click in the middle of silence.
    const samples = new Float32Array(linearFeatures.duration * linearFeatures.sampleRate);
    samples[samples.length / 2] = 1;
    const powers = spectrogram.powers(samples);
    const before = powers.slice();
    const room = { seconds: 0.5, highShare: 1, directToReverberant: 3 };
    addReverberation(powers, false, room, linearFeatures, spectrogram.frequencies, seededRandom(2));
    const sum = (values: Float32Array, from: number, to: number): number => {
      let total = 0;
      for (let band = 0; band < bands; band++) for (let t = from; t < to; t++) total += row(values, band)[t];
      return total;
    };
    const ratio = 10 * Math.log10(sum(before, 0, frames) / (sum(powers, 0, frames) - sum(before, 0, frames)));
    assert.ok(Math.abs(ratio - 3) < 1, `direct to reverberant: ${ratio} dB`);
    // Ten frames are 160 ms: 19.2 of the 60 dB that go in half a second.
    const middle = frames >> 1;
    const early = sum(powers, middle + 6, middle + 11);
    const late = sum(powers, middle + 16, middle + 21);
    assert.ok(Math.abs(10 * Math.log10(early / late) - 19.2) < 1.5, `${10 * Math.log10(early / late)} dB`);
    assert.equal(sum(powers, 0, middle - 3), sum(before, 0, middle - 3), 'nothing sounds before the click');
  });

  it('lets the end of a repeated clip reverberate in its beginning', () => {
    const powers = new Float32Array(bands * frames);
    for (let band = 0; band < bands; band++) row(powers, band)[frames - 1] = 1;
    const room = { seconds: 0.5, highShare: 1, directToReverberant: 0 };
    const apart = powers.slice();
    addReverberation(powers, true, room, linearFeatures, spectrogram.frequencies, seededRandom(2));
    addReverberation(apart, false, room, linearFeatures, spectrogram.frequencies, seededRandom(2));
    assert.ok(row(powers, 10)[0] > 0);
    assert.equal(row(apart, 10)[0], 0);
  });

  it('is shorter and higher when it is played faster', () => {
    const tone = Float32Array.from({ length: linearFeatures.sampleRate }, (_, n) =>
      Math.sin((2 * Math.PI * 3000 * n) / linearFeatures.sampleRate),
    );
    const spectrum = clipSpectrum(tone, spectrogram);
    const { frequencies } = spectrogram;
    const peak = (powers: Float32Array) => {
      const loudness = Array.from(frequencies, (_, band) => row(powers, band)[20]);
      return frequencies[loudness.indexOf(Math.max(...loudness))];
    };
    const spacing = frequencies[1] - frequencies[0];
    for (const speed of [0.8, 1.25]) {
      const { powers, periodic } = atSpeed(spectrum, speed, frames, frequencies);
      assert.equal(powers.length / bands, Math.round(spectrum.powers.length / bands / speed));
      assert.ok(Math.abs(peak(powers) - 3000 * speed) < spacing, `${peak(powers)} Hz at ${speed}`);
      assert.equal(periodic, true);
    }
    const { powers } = atSpeed(spectrum, 0.8, frames, frequencies);
    assert.ok(isZero(row(powers, bands - 1)), 'slower sound has nothing below the Nyquist frequency');
    const long = atSpeed(clipSpectrum(clip(linearFeatures.duration), spectrogram), 1.25, frames, frequencies);
    assert.equal(long.powers.length / bands, frames);
  });

  it('is taken from a clip after a codec as often as the recipe says', () => {
    const codec = { probability: 0.5, codecs: ['g711' as const], variants: 2 };
    const drawn = Array.from({ length: 3000 }, (_, i) => chooseVariant(3, { codec }, seededRandom(1, i)));
    const share = (variant: number) => drawn.filter((value) => value === variant).length / drawn.length;
    assert.ok(Math.abs(share(0) - 0.5) < 0.04 && Math.abs(share(1) - 0.25) < 0.04);
    assert.equal(share(0) + share(1) + share(2), 1);
    assert.equal(chooseVariant(1, { codec }, seededRandom(1)), 0);
    assert.equal(chooseVariant(3, {}, seededRandom(1)), 0);
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

describe('mixup', () => {
  const labels = [0, 1, 0, 1];
  /** Two values per example, the first of which is its label. */
  const mixed = (probability: number) => {
    const features = Float32Array.from(labels.flatMap((label) => [label, 1]));
    const soft = Float32Array.from(labels);
    mixExamples(features, soft, { probability, alpha: 0.5 }, seededRandom(4));
    return { features, soft };
  };

  it('weights features and labels alike', () => {
    const { features, soft } = mixed(1);
    soft.forEach((label, i) => {
      assert.equal(features[2 * i], label);
      assert.ok(Math.abs(features[2 * i + 1] - 1) < 1e-6);
    });
    assert.ok(soft.some((label) => label > 0 && label < 1));
  });

  it('with probability 0 leaves a batch alone', () => {
    assert.deepEqual(mixed(0).soft, Float32Array.from(labels));
  });
});
