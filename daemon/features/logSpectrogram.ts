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
   * Decibels relative to the loudest point, in [−80, 0]: nMels rows (lowest first) × frameCount(samples) columns,
   * row-major. `samples`: mono, any length > 0.
   */
  decibels(samples: Float32Array): Float32Array {
    return toDecibels(this.powers(samples));
  }

  /**
   * Power in each band: nMels rows (lowest first) × `frames` columns, row-major; zeros before and after the samples. The first
   * frame is centred at sample `first`; default: all frames of the samples.
   */
  powers(samples: Float32Array, first = 0, frames = frameCount(this.config, samples.length)): Float32Array {
    const { nFft } = this.config;
    return this.bandPowers(frames, (position, input) => {
      const start = position + first;
      const from = Math.max(0, -start);
      const to = Math.min(nFft, samples.length - start);
      if (from > 0) input.fill(0, 0, from);
      for (let n = from; n < to; n++) input[n] = samples[start + n] * this.window[n];
      if (to < nFft) input.fill(0, Math.max(to, 0));
    });
  }

  /**
   * Power in each band of the samples repeated without end: nMels rows × floor(length / hopLength) columns, after which
   * the columns repeat too. What is left of the last hop is cut off. `samples`: at least one hop.
   */
  periodicPowers(samples: Float32Array): Float32Array {
    const { nFft, hopLength } = this.config;
    const frames = Math.floor(samples.length / hopLength);
    const period = frames * hopLength;
    return this.bandPowers(frames, (start, input) => {
      let position = ((start % period) + period) % period;
      for (let n = 0; n < nFft; n++) {
        input[n] = samples[position] * this.window[n];
        if (++position === period) position = 0;
      }
    });
  }

  private bandPowers(frames: number, fill: (start: number, input: Float32Array) => void): Float32Array {
    const { nFft, hopLength, nMels } = this.config;
    const { input, output } = this.fourier;
    const { power } = this;
    const { firstBin, weights } = this.filterbank;
    const half = nFft / 2;
    const bands = new Float32Array(nMels * frames);
    for (let frame = 0; frame < frames; frame++) {
      fill(frame * hopLength - half, input);
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
      }
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
    return this.featuresOf(this.powers(window));
  }

  /** The same from the window's band powers, in place. */
  featuresOf(powers: Float32Array): Float32Array {
    return normalize(toDecibels(powers), this.config);
  }
}

/** Powers to decibels relative to the loudest, in place, in [−80, 0]: librosa.power_to_db(ref=np.max). */
export function toDecibels(powers: Float32Array): Float32Array {
  let loudest = MINIMUM_POWER;
  for (const power of powers) if (power > loudest) loudest = power;
  const reference = DECIBELS_PER_NEPER * Math.log(loudest);
  for (let i = 0; i < powers.length; i++) {
    const decibels = DECIBELS_PER_NEPER * Math.log(Math.max(powers[i], MINIMUM_POWER)) - reference;
    powers[i] = Math.max(decibels, -DYNAMIC_RANGE_DB);
  }
  return powers;
}

/**
 * Normalises decibels in place: means (of the clip, of each band, or of each frame and then each band) removed, divided by the
 * standard deviation of what is left.
 */
export function normalize(decibels: Float32Array, config: FeatureConfig): Float32Array {
  const { normalization, nMels } = config;
  if (normalization === 'frame-and-band') removeFrameMeans(decibels, nMels);
  const rowLength = normalization === 'clip' ? decibels.length : decibels.length / nMels;
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

/** Takes each frame's mean over the bands out: what is left is the frame's shape, however loud it is. */
function removeFrameMeans(decibels: Float32Array, bands: number): void {
  const frames = decibels.length / bands;
  const means = new Float64Array(frames);
  for (let i = 0; i < decibels.length; i++) means[i % frames] += decibels[i] / bands;
  for (let i = 0; i < decibels.length; i++) decibels[i] -= means[i % frames];
}
