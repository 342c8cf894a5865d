import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { z } from 'zod';
import type { Spectrum } from '../features/clipSpectrum.ts';
import { type FeatureConfig, frameCount } from '../features/featureConfig.ts';
import { normalize, toDecibels } from '../features/logSpectrogram.ts';
import { seededRandom } from '../random.ts';

const probability = z.number().min(0).max(1);
const range = z
  .tuple([z.number(), z.number()])
  .refine(([low, high]) => low <= high, 'must be [lowest, highest]');

/** What may happen to a training clip; each part on its own with its probability, absent parts never. */
export const augmentationSchema = z
  .object({
    /** Seconds of each window that the network is trained on, cut at random; prediction sees the whole window. */
    crop: z.number().positive(),
    /** Coloured noise (white to brown) at a signal-to-noise ratio in decibels. */
    noise: z.object({ probability, snr: range }),
    /** A smooth random frequency response of at most ± this many decibels, before the noise. */
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

/** Columns of a training view: those of the crop, or of the whole window. */
export function viewFrames({ crop }: Augmentation, config: FeatureConfig): number {
  const whole = frameCount(config);
  return crop === undefined
    ? whole
    : Math.min(whole, Math.round((crop * config.sampleRate) / config.hopLength));
}

/** Corner points of an equaliser's response over the frequency axis. */
const EQUALIZER_POINTS = 6;
/** What a band limit leaves of the power above it. */
const STOP_BAND_POWER = 1e-12;
/** Standard normal values to draw from; drawing a random start is cheaper than drawing each value. */
const NORMAL_TABLE = normalTable(1 << 16);

/**
 * Features of one augmented view of a clip, bands × viewFrames(augmentation): a random window of it (a random rotation where
 * it is repeated) is coloured, mixed with noise and band-limited as powers, normalised as a whole, then cropped and masked.
 */
export function augmentedFeatures(
  { powers, periodic }: Spectrum,
  augmentation: Augmentation,
  config: FeatureConfig,
  frequencies: Float64Array,
  random: RandomGenerator,
): Float32Array {
  const { noise, equalizer, bandLimit, bandMask, timeMask } = augmentation;
  const happens = (part: { probability: number } | undefined): boolean =>
    part !== undefined && uniformFloat64(random) < part.probability;
  const between = ([low, high]: [number, number]) => low + (high - low) * uniformFloat64(random);
  const bands = config.nMels;

  const window = randomWindow(powers, periodic, bands, frameCount(config), random);
  const frames = window.length / bands;
  if (happens(equalizer)) multiplyBands(window, equalizerGains(bands, equalizer?.decibels ?? 0, random));
  if (noise !== undefined && happens(noise))
    addNoise(window, config, frequencies, between(noise.snr), random);
  if (bandLimit !== undefined && happens(bandLimit)) {
    const cutoff = between(bandLimit.cutoff);
    multiplyBands(
      window,
      Float64Array.from(frequencies, (hertz) => (hertz > cutoff ? STOP_BAND_POWER : 1)),
    );
  }
  const whole = normalize(toDecibels(window), config);

  const kept = viewFrames(augmentation, config);
  const view = kept === frames ? whole : columns(whole, bands, uniformInt(random, 0, frames - kept), kept);
  if (bandMask !== undefined && happens(bandMask)) {
    const width = uniformInt(random, 1, Math.min(bandMask.bands, bands));
    const first = uniformInt(random, 0, bands - width);
    view.fill(0, first * kept, (first + width) * kept);
  }
  if (timeMask !== undefined && happens(timeMask)) {
    const width = uniformInt(random, 1, Math.min(timeMask.frames, kept));
    const first = uniformInt(random, 0, kept - width);
    for (let band = 0; band < bands; band++) {
      view.fill(0, band * kept + first, band * kept + first + width);
    }
  }
  return view;
}

/** `kept` columns from column `first` on. */
function columns(values: Float32Array, rows: number, first: number, kept: number): Float32Array {
  const width = values.length / rows;
  const result = new Float32Array(rows * kept);
  for (let row = 0; row < rows; row++) {
    result.set(values.subarray(row * width + first, row * width + first + kept), row * kept);
  }
  return result;
}

function randomWindow(
  powers: Float32Array,
  periodic: boolean,
  bands: number,
  frames: number,
  random: RandomGenerator,
): Float32Array {
  const available = powers.length / bands;
  if (!periodic) return columns(powers, bands, uniformInt(random, 0, available - frames), frames);
  const rotation = uniformInt(random, 0, available - 1);
  const window = new Float32Array(bands * frames);
  for (let band = 0; band < bands; band++) {
    const row = powers.subarray(band * available, (band + 1) * available);
    let column = rotation;
    for (let i = band * frames; i < (band + 1) * frames; i++) {
      window[i] = row[column];
      if (++column === available) column = 0;
    }
  }
  return window;
}

function multiplyBands(powers: Float32Array, gains: Float64Array): void {
  const frames = powers.length / gains.length;
  gains.forEach((gain, band) => {
    for (let i = band * frames; i < (band + 1) * frames; i++) powers[i] *= gain;
  });
}

/** Power gains that run in straight lines, in decibels, between random corner points. */
function equalizerGains(bands: number, strength: number, random: RandomGenerator): Float64Array {
  const points = Array.from({ length: EQUALIZER_POINTS }, () => (2 * uniformFloat64(random) - 1) * strength);
  return Float64Array.from({ length: bands }, (_, band) => {
    const position = (band / Math.max(1, bands - 1)) * (EQUALIZER_POINTS - 1);
    const left = Math.min(Math.floor(position), EQUALIZER_POINTS - 2);
    return 10 ** ((points[left] + (points[left + 1] - points[left]) * (position - left)) / 10);
  });
}

/**
 * Adds noise between white and brown (a one-pole low-pass of random strength) at `snr` decibels, in place. A band's noise
 * power varies as a mean of independent bins does (gamma distribution, by Wilson & Hilferty 1931), and so does its product
 * with the signal.
 */
function addNoise(
  powers: Float32Array,
  config: FeatureConfig,
  frequencies: Float64Array,
  snr: number,
  random: RandomGenerator,
): void {
  const bands = frequencies.length;
  const frames = powers.length / bands;
  const pole = uniformFloat64(random) * 0.98;
  const colour = Array.from(
    frequencies,
    (hertz) => 1 / (1 + pole * pole - 2 * pole * Math.cos((2 * Math.PI * hertz) / config.sampleRate)),
  );
  let signal = 0;
  for (const power of powers) signal += power;
  const mean = (signal / powers.length) * 10 ** (-snr / 10);
  const scale = (mean * bands) / colour.reduce((sum, value) => sum + value, 0);
  let next = uniformInt(random, 0, NORMAL_TABLE.length - 1);
  const mask = NORMAL_TABLE.length - 1;
  for (let band = 0; band < bands; band++) {
    const level = colour[band] * scale;
    const bins = independentBins(config, frequencies, band);
    const a = 1 - 1 / (9 * bins);
    const b = 1 / (3 * Math.sqrt(bins));
    for (let i = band * frames; i < (band + 1) * frames; i++) {
      const root = Math.max(0, a + b * NORMAL_TABLE[next & mask]);
      const noise = level * root * root * root;
      const product = Math.sqrt((2 * powers[i] * noise) / bins) * NORMAL_TABLE[(next + 1) & mask];
      powers[i] = Math.max(powers[i] + noise + product, (powers[i] + noise) * 0.01);
      next += 2;
    }
  }
}

/** Roughly how many independent values a band's power is the mean of: its half width in bins over the Hann window's 1.5. */
function independentBins(
  { sampleRate, nFft }: FeatureConfig,
  frequencies: Float64Array,
  band: number,
): number {
  const other = band > 0 ? band - 1 : band + 1;
  const halfWidth = Math.abs(frequencies[band] - frequencies[other]);
  return Math.max(1, (halfWidth * nFft) / sampleRate / 1.5);
}

function normalTable(length: number): Float32Array {
  const random = seededRandom(1);
  const table = new Float32Array(length);
  for (let i = 0; i < length; i += 2) {
    // Box & Muller 1958
    const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(random)));
    const angle = 2 * Math.PI * uniformFloat64(random);
    table[i] = radius * Math.cos(angle);
    table[i + 1] = radius * Math.sin(angle);
  }
  return table;
}
