import { type FeatureConfig, referenceFeatures } from './featureConfig.ts';
import { LogSpectrogram } from './logSpectrogram.ts';
import { measureSpeech, type SoundMeasures, type SpeechMeasures } from './soundMeasures.ts';
import type { StreamedWindow } from './windowStream.ts';

/** The bands that the limits of daemon/inference/inputChecks.ts are for, whatever the model's own are. */
const METER_BANDS = { nMels: 64, nFft: 512, fmin: 0, fmax: 8000, scale: 'linear' } as const;
/** At 16 kHz. */
const METER_HOP = 128;
const BANDWIDTH_BELOW_PEAK_DB = 50;
/** Levels of samples are counted in steps of this many decibels below full scale, loudest first. */
const LEVEL_STEP_DB = 0.1;
const LEVEL_STEPS = 1000;
const LOUDEST_DB = 6;
/** Samples this close to the peak are at it, and those this far below it are not audible beside it. */
const AT_PEAK_STEPS = 2;
const AUDIBLE_STEPS = 400;

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
  /** Samples by level. */
  private readonly levels = new Uint32Array(LEVEL_STEPS);

  /** `model`: what the windows' powers come from; `spectrogram`: of `meterSpectrogram`. */
  constructor(
    private readonly model: LogSpectrogram,
    private readonly spectrogram: LogSpectrogram,
  ) {
    this.spectrum = new Float64Array(spectrogram.frequencies.length);
  }

  /** Takes the sound itself, in pieces. */
  push(samples: Float32Array): void {
    const stepsPerNeper = 20 / Math.LN10 / LEVEL_STEP_DB;
    const loudest = LOUDEST_DB / LEVEL_STEP_DB;
    for (let i = 0; i < samples.length; i++) {
      const sample = samples[i];
      if (sample === 0) continue;
      const step = Math.floor(loudest - stepsPerNeper * Math.log(Math.abs(sample)));
      if (step < LEVEL_STEPS) this.levels[Math.max(0, step)]++;
    }
  }

  /** Takes a window and its band powers, bands × columns, in the model's features. */
  addWindow({ samples, length, level }: StreamedWindow, powers: Float32Array): void {
    const measured = this.spectrogram === this.model ? powers : this.spectrogram.powers(samples);
    const { nMels, hopLength, sampleRate } = this.spectrogram.config;
    const columns = measured.length / nMels;
    const frames = Math.min(columns, 1 + Math.floor(length / hopLength));
    this.windows.push({ level, measures: measureSpeech(measured, nMels, frames, sampleRate / hopLength) });
    for (let band = 0; band < nMels; band++)
      for (let t = 0; t < frames; t++) this.spectrum[band] += measured[band * columns + t];
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
    const peak = this.levels.findIndex((count) => count > 0);
    if (peak < 0) return 0;
    const within = (steps: number) =>
      this.levels.subarray(peak, peak + steps).reduce((sum, count) => sum + count, 0);
    return within(AT_PEAK_STEPS) / within(AUDIBLE_STEPS);
  }
}

function median(values: number[]): number {
  const sorted = values.sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
