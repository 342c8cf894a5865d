import { type FeatureConfig, frameCount, windowLength } from './featureConfig.ts';
import { createFilterbank, type Filterbank } from './filterbank.ts';
import { RealFourier } from './realFourier.ts';

/** Powers below this count as this: librosa.power_to_db's `amin`. */
const MINIMUM_POWER = 1e-10;
/** Decibels below the loudest point are cut off here: librosa.power_to_db's `top_db`. */
const DYNAMIC_RANGE_DB = 80;
/** Keeps a constant clip from being divided by zero. */
const STANDARD_DEVIATION_FLOOR = 1e-6;

const DECIBELS_PER_NEPER = 10 / Math.LN10;

/** Computes log spectrograms as librosa 0.11 does: centred frames, periodic Hann window, power, dB relative to the maximum. */
export class LogSpectrogram {
  private readonly window: Float32Array;
  private readonly filterbank: Filterbank;
  private readonly power: Float32Array;

  private constructor(
    readonly config: FeatureConfig,
    private readonly fourier: RealFourier,
  ) {
    const { nFft } = config;
    this.window = Float32Array.from(
      { length: nFft },
      (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / nFft),
    );
    this.filterbank = createFilterbank(config);
    this.power = new Float32Array(nFft / 2 + 1);
  }

  static async create(config: FeatureConfig): Promise<LogSpectrogram> {
    return new LogSpectrogram(config, await RealFourier.create(config.nFft));
  }

  /** Centre frequency of each row in hertz, ascending. */
  get frequencies(): Float64Array {
    return this.filterbank.centres;
  }

  /**
   * Decibels relative to the loudest point, in [−80, 0]: nMels rows (lowest first) × frameCount(samples) columns, row-major.
   * `samples`: mono, any length > 0.
   */
  decibels(samples: Float32Array): Float32Array {
    const { nFft, hopLength, nMels } = this.config;
    const frames = frameCount(this.config, samples.length);
    const { input, output } = this.fourier;
    const { window, power } = this;
    const { firstBin, weights } = this.filterbank;
    const half = nFft / 2;
    const bands = new Float32Array(nMels * frames);
    let loudest = MINIMUM_POWER;

    for (let frame = 0; frame < frames; frame++) {
      const start = frame * hopLength - half;
      const from = Math.max(0, -start);
      const to = Math.min(nFft, samples.length - start);
      if (from > 0) input.fill(0, 0, from);
      for (let n = from; n < to; n++) input[n] = samples[start + n] * window[n];
      if (to < nFft) input.fill(0, Math.max(to, 0));
      this.fourier.transform();

      power[0] = output[0] * output[0];
      power[half] = output[1] * output[1];
      for (let bin = 1; bin < half; bin++) {
        const real = output[2 * bin];
        const imaginary = output[2 * bin + 1];
        power[bin] = real * real + imaginary * imaginary;
      }
      for (let band = 0; band < nMels; band++) {
        const row = weights[band];
        const first = firstBin[band];
        let sum = 0;
        for (let k = 0; k < row.length; k++) sum += row[k] * power[first + k];
        bands[band * frames + frame] = sum;
        if (sum > loudest) loudest = sum;
      }
    }

    const reference = DECIBELS_PER_NEPER * Math.log(loudest);
    for (let i = 0; i < bands.length; i++) {
      const decibels = DECIBELS_PER_NEPER * Math.log(Math.max(bands[i], MINIMUM_POWER)) - reference;
      bands[i] = Math.max(decibels, -DYNAMIC_RANGE_DB);
    }
    return bands;
  }

  /**
   * The network's input for one window of exactly `windowLength(config)` samples:
   * nMels × frameCount values, row-major, zero mean and unit (population) standard deviation.
   */
  features(window: Float32Array): Float32Array {
    if (window.length !== windowLength(this.config)) {
      throw new RangeError(`Expected ${windowLength(this.config)} samples, got ${window.length}.`);
    }
    return normalize(this.decibels(window), this.config);
  }
}

/** Normalises decibels in place: mean (of the clip, or of each band) removed, divided by the standard deviation of what is left. */
export function normalize(decibels: Float32Array, config: FeatureConfig): Float32Array {
  const rowLength = config.normalization === 'band' ? decibels.length / config.nMels : decibels.length;
  let squares = 0;
  for (let start = 0; start < decibels.length; start += rowLength) {
    const row = decibels.subarray(start, start + rowLength);
    let sum = 0;
    for (let i = 0; i < rowLength; i++) sum += row[i];
    const mean = sum / rowLength;
    for (let i = 0; i < rowLength; i++) {
      const centred = row[i] - mean;
      row[i] = centred;
      squares += centred * centred;
    }
  }
  const scale = 1 / (Math.sqrt(squares / decibels.length) + STANDARD_DEVIATION_FLOOR);
  for (let i = 0; i < decibels.length; i++) decibels[i] *= scale;
  return decibels;
}
