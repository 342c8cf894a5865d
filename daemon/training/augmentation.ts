import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { z } from 'zod';
import { type FeatureConfig, windowLength } from '../features/featureConfig.ts';
import { type LogSpectrogram, normalize } from '../features/logSpectrogram.ts';

const probability = z.number().min(0).max(1);
const range = z
  .tuple([z.number(), z.number()])
  .refine(([low, high]) => low <= high, 'must be [lowest, highest]');

/** What may happen to a training clip; each part on its own with its probability, absent parts never. */
export const augmentationSchema = z
  .object({
    /** Coloured noise (white to brown) at a signal-to-noise ratio in decibels. */
    noise: z.object({ probability, snr: range }),
    /** A smooth random frequency response of at most ± this many decibels. */
    equalizer: z.object({ probability, decibels: z.number().min(0) }),
    /** Nothing above a cut-off frequency in hertz. */
    bandLimit: z.object({ probability, cutoff: range }),
    /** SpecAugment (Park et al. 2019): up to this many neighbouring bands, or frames, at their mean. */
    bandMask: z.object({ probability, bands: z.number().int().min(1) }),
    timeMask: z.object({ probability, frames: z.number().int().min(1) }),
  })
  .partial()
  .strict();
export type Augmentation = z.infer<typeof augmentationSchema>;

/** Decibels below the loudest point that a spectrogram keeps. */
const DYNAMIC_RANGE_DB = 80;
/** Corner points of an equaliser's response over the frequency axis. */
const EQUALIZER_POINTS = 6;

/**
 * Features of one augmented view of a clip: a random crop, or a random rotation of the repeated clip where it is short,
 * with noise added to the samples and the rest done to the decibels (filtering is addition there).
 */
export function augmentedFeatures(
  samples: Float32Array,
  augmentation: Augmentation,
  spectrogram: LogSpectrogram,
  random: RandomGenerator,
): Float32Array {
  const { config } = spectrogram;
  const { noise, equalizer, bandLimit, bandMask, timeMask } = augmentation;
  const happens = (part: { probability: number } | undefined): part is { probability: number } =>
    part !== undefined && uniformFloat64(random) < part.probability;
  const between = ([low, high]: [number, number]) => low + (high - low) * uniformFloat64(random);

  const window = randomWindow(samples, config, random);
  if (noise !== undefined && happens(noise)) addNoise(window, between(noise.snr), random);
  const decibels = spectrogram.decibels(window);
  const frames = decibels.length / config.nMels;
  let filtered = false;
  if (equalizer !== undefined && happens(equalizer)) {
    equalize(decibels, frames, config.nMels, equalizer.decibels, random);
    filtered = true;
  }
  if (bandLimit !== undefined && happens(bandLimit)) {
    const cutoff = between(bandLimit.cutoff);
    spectrogram.frequencies.forEach((hertz, band) => {
      if (hertz > cutoff) decibels.fill(Number.NEGATIVE_INFINITY, band * frames, (band + 1) * frames);
    });
    filtered = true;
  }
  if (filtered) restoreRange(decibels);
  normalize(decibels, config);
  if (bandMask !== undefined && happens(bandMask)) {
    const width = uniformInt(random, 1, Math.min(bandMask.bands, config.nMels));
    const first = uniformInt(random, 0, config.nMels - width);
    decibels.fill(0, first * frames, (first + width) * frames);
  }
  if (timeMask !== undefined && happens(timeMask)) {
    const width = uniformInt(random, 1, Math.min(timeMask.frames, frames));
    const first = uniformInt(random, 0, frames - width);
    for (let band = 0; band < config.nMels; band++) {
      decibels.fill(0, band * frames + first, band * frames + first + width);
    }
  }
  return decibels;
}

function randomWindow(samples: Float32Array, config: FeatureConfig, random: RandomGenerator): Float32Array {
  const length = windowLength(config);
  if (samples.length >= length) {
    const start = uniformInt(random, 0, samples.length - length);
    return samples.slice(start, start + length);
  }
  const window = new Float32Array(length);
  if (config.padding === 'zero') {
    window.set(samples);
    return window;
  }
  const rotation = uniformInt(random, 0, samples.length - 1);
  for (let i = 0; i < length; i++) window[i] = samples[(i + rotation) % samples.length];
  return window;
}

/** Adds noise between white and brown (a one-pole low-pass of random strength) at `snr` decibels, in place. */
function addNoise(window: Float32Array, snr: number, random: RandomGenerator): void {
  const colour = uniformFloat64(random) * 0.98;
  const noise = new Float32Array(window.length);
  let previous = 0;
  let noisePower = 0;
  let signalPower = 0;
  for (let i = 0; i < window.length; i++) {
    previous = colour * previous + (2 * uniformFloat64(random) - 1);
    noise[i] = previous;
    noisePower += previous * previous;
    signalPower += window[i] * window[i];
  }
  const gain = Math.sqrt(signalPower / noisePower) * 10 ** (-snr / 20);
  for (let i = 0; i < window.length; i++) window[i] += gain * noise[i];
}

function equalize(
  decibels: Float32Array,
  frames: number,
  bands: number,
  strength: number,
  random: RandomGenerator,
): void {
  const points = Array.from({ length: EQUALIZER_POINTS }, () => (2 * uniformFloat64(random) - 1) * strength);
  for (let band = 0; band < bands; band++) {
    const position = (band / Math.max(1, bands - 1)) * (EQUALIZER_POINTS - 1);
    const left = Math.min(Math.floor(position), EQUALIZER_POINTS - 2);
    const gain = points[left] + (points[left + 1] - points[left]) * (position - left);
    for (let i = band * frames; i < (band + 1) * frames; i++) decibels[i] += gain;
  }
}

/** Back to decibels relative to the loudest point, cut off at the dynamic range. */
function restoreRange(decibels: Float32Array): void {
  let loudest = Number.NEGATIVE_INFINITY;
  for (const value of decibels) if (value > loudest) loudest = value;
  for (let i = 0; i < decibels.length; i++) decibels[i] = Math.max(decibels[i] - loudest, -DYNAMIC_RANGE_DB);
}
