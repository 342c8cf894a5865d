import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { z } from 'zod';
import { CODECS } from '../audio/lossyCodecs.ts';
import type { Spectrum } from '../features/clipSpectrum.ts';
import { type FeatureConfig, frameCount } from '../features/featureConfig.ts';
import { normalize, toDecibels } from '../features/logSpectrogram.ts';
import { IncoherentSound } from './incoherentSound.ts';
import { addReverberation, randomRoom } from './roomResponse.ts';
import { atSpeed } from './speed.ts';

const probability = z.number().min(0).max(1);
const range = z
  .tuple([z.number(), z.number()])
  .refine(([low, high]) => low <= high, 'must be [lowest, highest]');

/** What may happen to a training clip; each part on its own with its probability, absent parts never. */
export const augmentationSchema = z
  .object({
    /** Seconds of each window that the network is trained on, cut at random; prediction sees the whole window. */
    crop: z.number().positive(),
    /**
     * The clip as it comes out of a lossy codec: of these codecs each clip is sent through `variants` before the training, and
     * one of the results is drawn.
     */
    codec: z.object({
      probability,
      codecs: z.array(z.enum(CODECS)).min(1).default(CODECS),
      variants: z.number().int().min(1).max(CODECS.length).default(3),
    }),
    /** Played this many times as fast, tempo and pitch together. */
    speed: z.object({
      probability,
      factor: range.refine(([slowest]) => slowest >= 0.5, 'must be at least 0.5').default([0.9, 1.1]),
    }),
    /** Reverberation: decaying noise of this RT60 in seconds, and direct-to-reverberant energy ratio in decibels. */
    room: z.object({
      probability,
      seconds: range.refine(([shortest]) => shortest > 0, 'must be positive').default([0.2, 0.8]),
      ratio: range.default([0, 15]),
    }),
    /** Coloured noise (white to brown) at a signal-to-noise ratio in decibels. */
    noise: z.object({ probability, snr: range }),
    /** A smooth random frequency response of at most ± this many decibels, before the noise. */
    equalizer: z.object({ probability, decibels: z.number().min(0) }),
    /** Nothing above a cut-off frequency in hertz. */
    bandLimit: z.object({ probability, cutoff: range }),
    /** SpecAugment (Park et al. 2019): up to this many neighbouring bands, or frames, at their mean. */
    bandMask: z.object({ probability, bands: z.number().int().min(1) }),
    timeMask: z.object({ probability, frames: z.number().int().min(1) }),
    /** Mixup with another example of the batch, by shares from Beta(alpha, alpha). */
    mixup: z.object({ probability, alpha: z.number().positive().max(1).default(0.5) }),
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

/** Which of a clip's stored spectra a view is taken from: its own (0), or that after one of its codecs. */
export function chooseVariant(count: number, { codec }: Augmentation, random: RandomGenerator): number {
  if (codec === undefined || count === 1 || uniformFloat64(random) >= codec.probability) return 0;
  return uniformInt(random, 1, count - 1);
}

/** Corner points of an equaliser's response over the frequency axis. */
const EQUALIZER_POINTS = 6;
/** What a band limit leaves of the power above it. */
const STOP_BAND_POWER = 1e-12;

/**
 * Features of one augmented view of a clip, bands × viewFrames(augmentation): a random window of it (a random rotation where
 * it is repeated) is played faster or slower, put into a room, coloured, mixed with noise and band-limited as powers, normalised as a
 * whole, then cropped and masked.
 */
export function augmentedFeatures(
  spectrum: Spectrum,
  augmentation: Augmentation,
  config: FeatureConfig,
  frequencies: Float64Array,
  random: RandomGenerator,
): Float32Array {
  const { speed, room, noise, equalizer, bandLimit, bandMask, timeMask } = augmentation;
  const happens = (part: { probability: number } | undefined): boolean =>
    part !== undefined && uniformFloat64(random) < part.probability;
  const between = ([low, high]: [number, number]) => low + (high - low) * uniformFloat64(random);
  const bands = config.nMels;

  const frames = frameCount(config);
  const played =
    speed !== undefined && happens(speed)
      ? atSpeed(spectrum, between(speed.factor), frames, frequencies)
      : spectrum;
  const { periodic } = spectrum;
  const window = randomWindow(played.powers, periodic, bands, frames, random);
  if (room !== undefined && happens(room)) {
    const drawn = randomRoom(room.seconds, room.ratio, random);
    addReverberation(window, periodic, drawn, config, frequencies, random);
  }
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

/** Adds noise between white and brown (a one-pole low-pass of random strength) at `snr` decibels, in place. */
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
  const sound = new IncoherentSound(config, frequencies, random);
  const levels = new Float32Array(frames);
  for (let band = 0; band < bands; band++) {
    levels.fill(colour[band] * scale);
    sound.addTo(powers.subarray(band * frames, (band + 1) * frames), band, levels);
  }
}
