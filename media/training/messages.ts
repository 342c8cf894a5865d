import type { EpochReport, TrainParams } from '../../shared/protocol.ts';

/** A training run as it is shown: everything that the page, the terminal and the status bar say comes from here. */
export interface TrainingView {
  /** Folder name of the data set. */
  name: string;
  /** What was asked for; `recipe` is a preset's name or a file. */
  request: TrainParams & { recipe: string };
  phase: 'starting' | 'preparing' | 'training' | 'validating' | 'testing' | 'stopping' | 'ended';
  dataset?: DatasetCounts;
  /** Clips read, validated or tested so far. */
  clips?: { done: number; total: number };
  /** Steps of the whole run so far. */
  steps?: { done: number; total: number };
  /** The epoch under way, from 1. */
  epoch: number;
  /** Epochs asked for; 0 until known. */
  epochs: number;
  /** The epoch in which an earlier run was taken up. */
  resumedIn?: number;
  examplesPerSecond?: number;
  /** Until all epochs are done; absent until it can be estimated. */
  secondsLeft?: number;
  reports: EpochReport[];
  outcome?: TrainingOutcome;
}

export interface DatasetCounts {
  genuine: number;
  deepfake: number;
  training: number;
  validation: number;
  testing: number;
  warnings: string[];
}

/** How a run ended. A run that was stopped has a model only where an epoch had ended. */
export type TrainingOutcome =
  | { kind: 'finished' | 'stopped'; model: TrainedModel }
  | { kind: 'stopped'; model?: undefined }
  /** The window was closed while it ran. */
  | { kind: 'interrupted'; model?: undefined }
  | { kind: 'failed'; message: string };

export interface TrainedModel {
  checkpoint: string;
  reportFile: string;
  bestEpoch: number;
  epochsRun: number;
  /** Of the validation part, as shares. */
  validation: Scores;
  /** Of the testing part, where there is one. */
  test?: Scores;
}

export interface Scores {
  eer: number;
  accuracy: number;
}

/** What the extension tells the page. */
export interface ToTrainingPage {
  type: 'view';
  view: TrainingView;
}

/** What the page asks of the extension. */
export type FromTrainingPage =
  /** The page can receive messages. */
  { type: 'ready' } | { type: 'stop' } | { type: 'again' } | { type: 'useModel' } | { type: 'openReport' };

/** What VS Code keeps of the page over a reload of the window. */
export interface TrainingPageState {
  view: TrainingView;
}
