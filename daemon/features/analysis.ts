import type { AudioFacts } from '../../shared/verdict.ts';
import type { FeatureConfig } from './featureConfig.ts';

/** What an analysis worker is asked to do with one file. */
export interface AnalysisRequest {
  path: string;
  features: FeatureConfig;
  /** `first`: the first window only; `all`: overlapping, silent ones left out. */
  windows: { use: 'first' | 'all'; overlap: number };
  /** Also return the decibels of the first `imageSeconds` seconds; 0 for none. */
  imageSeconds: number;
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
/** What a worker says while it is at a task. */
export type WorkerSign = typeof STARTED | WindowGroup;

/** What is known about a file after all its windows have been handed over. */
export interface AnalysisSummary {
  facts: AudioFacts;
  /** No window of the file is audible; its first one was handed over all the same. */
  silent: boolean;
  /** Windows with a lower level are silent beside the others of the file and do not count. */
  silenceFloor: number;
  image?: DecibelImage;
}

/** Decibels in [−80, 0], bands (lowest first) × columns, row-major. */
export interface DecibelImage {
  decibels: Float32Array;
  frequencies: Float64Array;
  columns: number;
}
