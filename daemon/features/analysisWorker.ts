import workerpool from 'workerpool';
import { DeepfakeError } from '../../shared/errors.ts';
import { loadAudio } from '../audio/loadAudio.ts';
import type { AnalysisRequest, AnalysisSummary, DecibelImage, WindowGroup } from './analysis.ts';
import { contentHash } from './contentHash.ts';
import { type FeatureConfig, frameCount, windowLength } from './featureConfig.ts';
import { LogSpectrogram } from './logSpectrogram.ts';
import { audibleStarts, extractWindow, windowStarts } from './windows.ts';

/** Windows handed over at once: 64 × 64 kB at the default resolution. */
const GROUP_SIZE = 64;

let current: LogSpectrogram | undefined;

async function spectrogramFor(config: FeatureConfig): Promise<LogSpectrogram> {
  if (JSON.stringify(current?.config) !== JSON.stringify(config))
    current = await LogSpectrogram.create(config);
  return current as LogSpectrogram;
}

/** A result, or an expected error in a form that survives the way between threads. */
export type WorkerAnswer<T> = { value: T } | { error: { code: number; message: string; file?: string } };

async function answer<T>(work: () => Promise<T>): Promise<WorkerAnswer<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (!(error instanceof DeepfakeError)) throw error;
    return { error: { code: error.code, message: error.message, file: error.file } };
  }
}

function analyze(request: AnalysisRequest): Promise<WorkerAnswer<AnalysisSummary>> {
  return answer(async () => {
    const { features: config, windows } = request;
    const firstOnly = windows.use === 'first' && request.imageSeconds === 0;
    const { samples, facts } = await loadAudio(request.path, {
      sampleRate: config.sampleRate,
      maxSeconds: firstOnly ? config.duration : undefined,
      ffmpegPath: request.ffmpegPath,
    });
    const spectrogram = await spectrogramFor(config);
    const all = windows.use === 'first' ? [0] : windowStarts(samples.length, config, windows.overlap);
    const audible = audibleStarts(samples, all, config);
    const starts = windows.use === 'all' && audible.length > 0 ? audible : all.slice(0, 1);
    for (let from = 0; from < starts.length; from += GROUP_SIZE) {
      sendGroup(starts.slice(from, from + GROUP_SIZE), samples, spectrogram);
    }
    const image =
      request.imageSeconds > 0 ? decibelImage(samples, request.imageSeconds, spectrogram) : undefined;
    return { facts, silent: audible.length === 0, ...(image === undefined ? {} : { image }) };
  });
}

function sendGroup(starts: number[], samples: Float32Array, spectrogram: LogSpectrogram): void {
  const { config } = spectrogram;
  const size = config.nMels * frameCount(config);
  const features = new Float32Array(starts.length * size);
  starts.forEach((start, i) => {
    features.set(spectrogram.features(extractWindow(samples, start, config)), i * size);
  });
  const group: WindowGroup = { starts: starts.map((start) => start / config.sampleRate), features };
  workerpool.workerEmit(new workerpool.Transfer(group, [features.buffer]));
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

/** A file's samples at the features' rate, for training: at most `maxSeconds`. */
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

/** The features of the first window of given samples. */
async function features(clips: Float32Array[], config: FeatureConfig): Promise<Float32Array> {
  const spectrogram = await spectrogramFor(config);
  const size = config.nMels * frameCount(config);
  const result = new Float32Array(clips.length * size);
  clips.forEach((clip, i) => {
    result.set(spectrogram.features(extractWindow(clip, 0, config).slice(0, windowLength(config))), i * size);
  });
  return result;
}

export interface AnalysisMethods {
  analyze: typeof analyze;
  samples: typeof samples;
  features: typeof features;
  contentHash(path: string): Promise<WorkerAnswer<string>>;
}

workerpool.worker({
  analyze,
  samples,
  features,
  contentHash: (path) => answer(() => contentHash(path)),
} satisfies AnalysisMethods);
