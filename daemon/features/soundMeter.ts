import { type FeatureConfig, referenceFeatures } from './featureConfig.ts';
import { LogSpectrogram } from './logSpectrogram.ts';
import { measureSpeech, type SoundMeasures, type SpeechMeasures } from './soundMeasures.ts';
import type { StreamedWindow } from './windowStream.ts';

/** The bands that the limits of daemon/inference/inputChecks.ts are for, whatever the model's own are. */
const METER_BANDS = { nMels: 64, nFft: 512, fmin: 0, fmax: 8000, scale: 'linear' } as const;
/** Samples between the frames that are measured, at 16 kHz. */
const METER_HOP = 256;
const BANDWIDTH_BELOW_PEAK_DB = 50;
/**
 * Levels of samples are told apart by the exponent and the first bits of the mantissa of their magnitudes, in steps of about
 * 0.1 dB, quietest first.
 */
const STEPS_PER_OCTAVE = 64;
const LEVEL_BITS_FROM = 17;
const MAGNITUDE_BITS = 0x7fffffff;
const LEVELS = (MAGNITUDE_BITS >>> LEVEL_BITS_FROM) + 1;
/** Samples about 0.2 dB below the peak are at it, and those 40 dB below are not audible beside it. */
const AT_PEAK_STEPS = 2;
const AUDIBLE_STEPS = Math.round((40 / 6.02) * STEPS_PER_OCTAVE);

/** What the meter analyses windows with: the model's own analysis where that has the meter's bands. */
export async function meterSpectrogram(model: LogSpectrogram): Promise<LogSpectrogram> {
  const { config } = model;
  const isSame = Object.entries(METER_BANDS).every(
    ([key, value]) => config[key as keyof FeatureConfig] === value,
  );
  if (isSame) return model;
  const { sampleRate, duration } = config;
  const scale = sampleRate / referenceFeatures.sampleRate;
  return LogSpectrogram.create({
    ...referenceFeatures,
    ...METER_BANDS,
    sampleRate,
    duration,
    nFft: 2 ** Math.round(Math.log2(METER_BANDS.nFft * scale)),
    hopLength: Math.round(METER_HOP * scale),
    fmax: Math.min(METER_BANDS.fmax, sampleRate / 2),
  });
}

/** Measures a file's sound while it is analysed. */
export class SoundMeter {
  private readonly windows: { level: number; measures: SpeechMeasures }[] = [];
  private readonly spectrum: Float64Array;
  /** Every how many columns are measured. */
  private readonly stride: number;
  /** Samples by level. */
  private readonly levels = new Uint32Array(LEVELS);

  /** `model`: what the windows' powers come from; `spectrogram`: of `meterSpectrogram`. */
  constructor(
    private readonly model: LogSpectrogram,
    private readonly spectrogram: LogSpectrogram,
  ) {
    const { nMels, sampleRate, hopLength } = spectrogram.config;
    this.spectrum = new Float64Array(nMels);
    this.stride = Math.max(
      1,
      Math.round((METER_HOP * sampleRate) / referenceFeatures.sampleRate / hopLength),
    );
  }

  /** Takes the sound itself, in pieces. */
  push(samples: Float32Array): void {
    const bits = new Uint32Array(samples.buffer, samples.byteOffset, samples.length);
    for (let i = 0; i < bits.length; i++) this.levels[(bits[i] & MAGNITUDE_BITS) >>> LEVEL_BITS_FROM]++;
  }

  /** Takes a window and its band powers, bands × columns, in the model's features. */
  addWindow({ samples, length, level }: StreamedWindow, powers: Float32Array): void {
    const measured = this.spectrogram === this.model ? powers : this.spectrogram.powers(samples);
    const { nMels, hopLength, sampleRate } = this.spectrogram.config;
    const columns = measured.length / nMels;
    const hop = this.stride * hopLength;
    const frames = Math.min(Math.ceil(columns / this.stride), 1 + Math.floor(length / hop));
    const thinned = new Float32Array(nMels * frames);
    for (let i = 0, band = 0; band < nMels; band++) {
      for (let t = 0; t < frames; t++, i++) {
        thinned[i] = measured[band * columns + t * this.stride];
        this.spectrum[band] += thinned[i];
      }
    }
    this.windows.push({ level, measures: measureSpeech(thinned, nMels, sampleRate / hop) });
  }

  /** Medians over the windows of at least this level, and what concerns the whole file. */
  finish(silenceFloor: number): SoundMeasures {
    const audible = this.windows.filter(({ level }) => level >= silenceFloor);
    const middle = (key: keyof SpeechMeasures) => median(audible.map(({ measures }) => measures[key]));
    return {
      depth: middle('depth'),
      syllableShare: middle('syllableShare'),
      flux: middle('flux'),
      peakedness: middle('peakedness'),
      bandwidth: this.bandwidth(),
      clipped: this.clipped(),
    };
  }

  private bandwidth(): number {
    const peak = this.spectrum.reduce((most, power) => Math.max(most, power), 0);
    const last = this.spectrum.findLastIndex((power) => power > peak * 10 ** (-BANDWIDTH_BELOW_PEAK_DB / 10));
    return last < 0 ? 0 : this.spectrogram.frequencies[last];
  }

  private clipped(): number {
    const peak = this.levels.findLastIndex((count) => count > 0);
    // Zeros have a level of their own.
    if (peak <= 0) return 0;
    const within = (steps: number) =>
      this.levels.subarray(Math.max(1, peak + 1 - steps), peak + 1).reduce((sum, count) => sum + count, 0);
    return within(AT_PEAK_STEPS) / within(AUDIBLE_STEPS);
  }
}

function median(values: number[]): number {
  const sorted = values.sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
