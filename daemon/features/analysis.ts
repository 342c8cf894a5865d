import type { AudioFacts, SpectrogramImage, WaveformImage } from '../../shared/verdict.ts';
import type { Codec } from '../audio/lossyCodecs.ts';
import type { FeatureConfig } from './featureConfig.ts';
import type { Picture } from './picture.ts';
import type { SoundMeasures } from './soundMeasures.ts';

/** What an analysis worker is asked to do with one file. */
export interface AnalysisRequest {
  path: string;
  features: FeatureConfig;
  /** `first`: the first window only; `all`: overlapping, silent ones left out. */
  windows: { use: 'first' | 'all'; overlap: number };
  /** Also draw the sound: at the end, or also now and then on the way. Default: not at all. */
  picture?: 'atEnd' | 'onTheWay';
  ffmpegPath?: string;
  /** Counts the groups that have been dealt with (one Int32), so that a worker does not run far ahead of the network. */
  dealtWith?: SharedArrayBuffer;
}

/** Consecutive windows of a file, ready for the network; a file may come in several such groups. */
export interface WindowGroup {
  /** Start of each window in seconds. */
  starts: number[];
  /** Root mean square of each window. */
  levels: number[];
  /** starts.length × bands × frames values. */
  features: Float32Array;
}

/** Said by a worker when it begins a task, which may have waited. */
export const STARTED = 'started';
/** The sound as far as it has been decoded. */
export interface SoundSoFar {
  /** Seconds decoded. */
  seconds: number;
  /** Seconds that the container promises, where it does. */
  promised?: number;
  spectrogram: SpectrogramImage;
  waveform: WaveformImage;
}
/** How much of a sound has been copied. */
export interface CopiedSoFar {
  samples: number;
}
/** Another program that a worker has started, to be ended by whoever ends the worker. */
export interface ProcessSign {
  process: number;
  running: boolean;
}
/** What a worker says while it is at a task. */
export type WorkerSign = typeof STARTED | ProcessSign | WindowGroup | SoundSoFar | CopiedSoFar;

/** What is known about a file after all its windows have been handed over. */
export interface AnalysisSummary {
  facts: AudioFacts;
  /** No window of the file is audible; its first one was handed over all the same. */
  silent: boolean;
  /** Windows with a lower level are silent beside the others of the file and do not count. */
  silenceFloor: number;
  measures: SoundMeasures;
  picture?: Picture;
}

/** What training keeps of a clip. */
export interface SpectraOptions {
  maxSeconds: number;
  /** Codecs of which each clip is sent through `variants`. */
  codecs: readonly Codec[];
  variants: number;
}
