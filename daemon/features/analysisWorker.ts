import workerpool from 'workerpool';
import { DeepfakeError } from '../../shared/errors.ts';
import { loadAudio, type SampleReceiver, streamAudio } from '../audio/loadAudio.ts';
import {
  type AnalysisRequest,
  type AnalysisSummary,
  type DecibelImage,
  STARTED,
  type WindowGroup,
} from './analysis.ts';
import { clipSpectrum, type Spectrum } from './clipSpectrum.ts';
import { contentHash } from './contentHash.ts';
import { type FeatureConfig, frameCount, windowLength } from './featureConfig.ts';
import { LogSpectrogram } from './logSpectrogram.ts';
import { type StreamedWindow, WindowStream } from './windowStream.ts';
import { extractWindow, rootMeanSquare, silenceLevel } from './windows.ts';

/** Windows handed over at once: 64 × 64 kB at the default resolution. */
const GROUP_SIZE = 64;
/** Groups of one file that may wait for the network. */
const GROUPS_AHEAD = 2;

let current: LogSpectrogram | undefined;

async function spectrogramFor(config: FeatureConfig): Promise<LogSpectrogram> {
  if (JSON.stringify(current?.config) !== JSON.stringify(config))
    current = await LogSpectrogram.create(config);
  return current as LogSpectrogram;
}

/** A result, or an expected error in a form that survives the way between threads. */
export type WorkerAnswer<T> = { value: T } | { error: { code: number; message: string; file?: string } };

async function answer<T>(work: () => Promise<T>): Promise<WorkerAnswer<T>> {
  workerpool.workerEmit(STARTED);
  try {
    return { value: await work() };
  } catch (error) {
    if (!(error instanceof DeepfakeError)) throw error;
    return { error: { code: error.code, message: error.message, file: error.file } };
  }
}

function analyze(request: AnalysisRequest): Promise<WorkerAnswer<AnalysisSummary>> {
  return answer(async () => {
    const spectrogram = await spectrogramFor(request.features);
    return request.windows.use === 'first'
      ? analyzeFirst(request, spectrogram)
      : analyzeAll(request, spectrogram);
  });
}

async function analyzeFirst(request: AnalysisRequest, spectrogram: LogSpectrogram): Promise<AnalysisSummary> {
  const { features: config, imageSeconds } = request;
  const { samples, facts } = await loadAudio(request.path, {
    sampleRate: config.sampleRate,
    maxSeconds: imageSeconds === 0 ? config.duration : undefined,
    ffmpegPath: request.ffmpegPath,
  });
  const groups = new GroupSender(request, spectrogram);
  const sound = samples.subarray(0, windowLength(config));
  const level = rootMeanSquare(sound);
  groups.add({ start: 0, samples: extractWindow(sound, 0, config), level });
  groups.send();
  const silent = level < silenceLevel(level);
  return { facts, silent, silenceFloor: 0, ...image(samples, imageSeconds, spectrogram) };
}

async function analyzeAll(request: AnalysisRequest, spectrogram: LogSpectrogram): Promise<AnalysisSummary> {
  const { features: config, imageSeconds } = request;
  const { receiver, facts, length } = await streamAudio(
    request.path,
    { sampleRate: config.sampleRate, ffmpegPath: request.ffmpegPath },
    () => new Analysis(request, spectrogram),
  );
  const { silent, silenceFloor } = receiver.finish(length);
  const shown = receiver.shown.subarray(0, length);
  return { facts, silent, silenceFloor, ...image(shown, imageSeconds, spectrogram) };
}

/** Turns sound into windows and those into features while it comes. */
class Analysis implements SampleReceiver {
  private readonly windows: WindowStream;
  private readonly groups: GroupSender;
  /** The beginning of the sound, as long as the image is, in a buffer that doubles when it is full. */
  private readonly shownLimit: number;
  private shownBuffer = new Float32Array(0);
  private shownLength = 0;

  constructor(request: AnalysisRequest, spectrogram: LogSpectrogram) {
    const { features, windows, imageSeconds } = request;
    this.windows = new WindowStream(features, windows.overlap);
    this.groups = new GroupSender(request, spectrogram);
    this.shownLimit = Math.round(imageSeconds * features.sampleRate);
  }

  push(samples: Float32Array): void {
    this.windows.push(samples);
    const wanted = samples.subarray(0, this.shownLimit - this.shownLength);
    const length = this.shownLength + wanted.length;
    if (length > this.shownBuffer.length) {
      const longer = new Float32Array(Math.min(this.shownLimit, 2 * length));
      longer.set(this.shown);
      this.shownBuffer = longer;
    }
    this.shownBuffer.set(wanted, this.shownLength);
    this.shownLength = length;
  }

  get shown(): Float32Array {
    return this.shownBuffer.subarray(0, this.shownLength);
  }

  async ready(): Promise<void> {
    for (const window of this.windows.take()) this.groups.add(window);
  }

  finish(length: number): Pick<AnalysisSummary, 'silent' | 'silenceFloor'> {
    for (const window of this.windows.finish(length)) this.groups.add(window);
    this.groups.send();
    const { silent, silenceFloor } = this.windows;
    return { silent, silenceFloor };
  }
}

/** Computes features and hands them over in groups; waits where the network is behind. */
class GroupSender {
  private waiting: { start: number; level: number; features: Float32Array }[] = [];
  private sent = 0;
  private readonly dealtWith: Int32Array | undefined;

  constructor(
    request: AnalysisRequest,
    private readonly spectrogram: LogSpectrogram,
  ) {
    this.dealtWith = request.dealtWith && new Int32Array(request.dealtWith);
  }

  add({ start, samples, level }: StreamedWindow): void {
    this.waiting.push({ start, level, features: this.spectrogram.features(samples) });
    if (this.waiting.length === GROUP_SIZE) this.send();
  }

  send(): void {
    if (this.waiting.length === 0) return;
    this.waitForNetwork();
    const { sampleRate } = this.spectrogram.config;
    const size = this.waiting[0].features.length;
    const features = new Float32Array(this.waiting.length * size);
    this.waiting.forEach((window, i) => {
      features.set(window.features, i * size);
    });
    const group: WindowGroup = {
      starts: this.waiting.map(({ start }) => start / sampleRate),
      levels: this.waiting.map(({ level }) => level),
      features,
    };
    this.waiting = [];
    this.sent++;
    workerpool.workerEmit(new workerpool.Transfer(group, [features.buffer]));
  }

  private waitForNetwork(): void {
    if (this.dealtWith === undefined) return;
    for (;;) {
      const done = Atomics.load(this.dealtWith, 0);
      if (this.sent - done < GROUPS_AHEAD) return;
      Atomics.wait(this.dealtWith, 0, done);
    }
  }
}

function image(
  samples: Float32Array,
  seconds: number,
  spectrogram: LogSpectrogram,
): Pick<AnalysisSummary, 'image'> {
  return seconds > 0 ? { image: decibelImage(samples, seconds, spectrogram) } : {};
}

function decibelImage(samples: Float32Array, seconds: number, spectrogram: LogSpectrogram): DecibelImage {
  const { config } = spectrogram;
  const shown = samples.subarray(0, Math.round(seconds * config.sampleRate));
  return {
    decibels: spectrogram.decibels(shown),
    frequencies: spectrogram.frequencies,
    columns: frameCount(config, shown.length),
  };
}

/** A file's samples at the features' rate: at most `maxSeconds`. */
function samples(
  path: string,
  config: FeatureConfig,
  maxSeconds: number | undefined,
  ffmpegPath: string | undefined,
): Promise<WorkerAnswer<Float32Array>> {
  return answer(async () => {
    const audio = await loadAudio(path, { sampleRate: config.sampleRate, maxSeconds, ffmpegPath });
    return audio.samples;
  });
}

/** The spectrum that views of a training clip are taken from, of at most `maxSeconds`. */
function spectrum(
  path: string,
  config: FeatureConfig,
  maxSeconds: number,
  ffmpegPath: string | undefined,
): Promise<WorkerAnswer<Spectrum>> {
  return answer(async () => {
    const { samples } = await loadAudio(path, { sampleRate: config.sampleRate, maxSeconds, ffmpegPath });
    return clipSpectrum(samples, await spectrogramFor(config));
  });
}

export interface AnalysisMethods {
  analyze: typeof analyze;
  samples: typeof samples;
  spectrum: typeof spectrum;
  contentHash(path: string): Promise<WorkerAnswer<string>>;
}

workerpool.worker({
  analyze,
  samples,
  spectrum,
  contentHash: (path) => answer(() => contentHash(path)),
} satisfies AnalysisMethods);
