import {
  NotificationType0,
  type PartialResultParams,
  ProgressType,
  RequestType,
  RequestType0,
  type WorkDoneProgressParams,
} from 'vscode-languageserver-protocol';
import type { ErrorCode } from './errors.ts';
import type {
  EngineFacts,
  ModelFacts,
  Pictures,
  SpectrogramImage,
  Verdict,
  WaveformImage,
  WindowScore,
} from './verdict.ts';

/** `data` of a JSON-RPC error: the code that a client may act on and the file that it is about. */
export interface ErrorData {
  code: ErrorCode;
  file?: string;
}

/** One file's answer: a verdict, or the reason why there is none. */
export type FileResult =
  | { file: string; verdict: Verdict }
  | { file: string; error: { code: ErrorCode; message: string } };

export interface ClassifyParams extends WorkDoneProgressParams, PartialResultParams {
  /** Absolute paths of audio files. */
  files: string[];
  /** Include what a report draws: spectrogram and evidence. Default false. */
  withImages?: boolean;
}
export interface ClassifyResult {
  /** One entry per file in the order asked; empty when a partial-result token received them instead. */
  results: FileResult[];
}
/** Classify files. Failures of single files are entries, not errors. Partial results are `FileResult[]`. */
export namespace ClassifyRequest {
  export const method = 'deepfake/classify';
  export const type = new RequestType<ClassifyParams, ClassifyResult, ErrorData>(method);
  export const partialResult = new ProgressType<FileResult[]>();
}

export interface ReportParams extends WorkDoneProgressParams, PartialResultParams {
  /** Absolute path of an audio file. */
  file: string;
}
/** What a report can show before the verdict is there. */
export interface ReportPart {
  /** Seconds examined. */
  seconds: number;
  /** Seconds that the container promises, where it does. */
  promised?: number;
  /** Of the sound examined. */
  spectrogram: SpectrogramImage;
  waveform: WaveformImage;
  /** Windows scored, in order. */
  windows: WindowScore[];
  /** Of the model. */
  threshold: number;
}
/** Examine one file for a report: a verdict with pictures of the whole file. Partial results are `ReportPart`. */
export namespace ReportRequest {
  export const method = 'deepfake/report';
  export const type = new RequestType<ReportParams, Verdict, ErrorData>(method);
  export const partialResult = new ProgressType<ReportPart>();
}

export interface ReportDetailParams {
  /** A file that was examined for a report; another one, or one of long ago, is examined now. */
  file: string;
  /** Seconds. */
  start: number;
  end: number;
}
/** Pictures of a part of a file, at up to the full resolution. */
export namespace ReportDetailRequest {
  export const method = 'deepfake/reportDetail';
  export const type = new RequestType<ReportDetailParams, Pictures, ErrorData>(method);
}

export interface ScanParams extends WorkDoneProgressParams, PartialResultParams {
  /** Absolute paths of files and folders. */
  paths: string[];
  /** Globs relative to `base`; one without a slash holds at any depth. Default: all audio files. */
  include?: string[];
  /** Globs of files and folders to leave out. */
  exclude?: string[];
  /** The folder that globs are relative to; default: each named folder. */
  base?: string;
  /** Globs and ignore files hold for named files too. Default false. */
  filterNamed?: boolean;
  /** A named path that does not exist is a result with an error, not an error of the request. Default false. */
  allowMissing?: boolean;
  /** Only files modified at or after this time, ISO 8601. */
  since?: string;
  /** Results in path order instead of as they come. Default false. */
  ordered?: boolean;
  /** Where results are kept; default: the user's cache folder. False: nowhere, everything is analysed. */
  store?: string | false;
  /**
   * Address of the Redis or Valkey whose workers (`deepfake-audio worker`) analyse instead of the daemon, such as
   * redis://HOST:6379; `paths` may then also be URLs.
   */
  queue?: string;
}
/** One file of a scan. */
export type ScannedFile = FileResult & {
  /** Whether the answer is an earlier one for the same content, model and settings. */
  cached: boolean;
  /** SHA-256 of the content, hexadecimal; absent where the file could not be read or results are not kept. */
  contentHash?: string;
};
/** What a scan came to, in files. */
export interface ScanSummary {
  files: number;
  Genuine: number;
  Deepfake: number;
  Inconclusive: number;
  /** Without a verdict. */
  failed: number;
  /** Answered by the store after a look at size and times only. */
  unchanged: number;
  /** Answered by the store because content seen before was found in a new or touched file. */
  recognized: number;
  /** Decoded and scored, or tried to. */
  analyzed: number;
  /** Seconds that the scan took. */
  seconds: number;
}
export interface ScanResult {
  summary: ScanSummary;
  /** One entry per file; empty when a partial-result token received them instead. */
  results: ScannedFile[];
}
/** What a scan tells while it goes on. */
export interface ScanPart {
  /** Since the last part. */
  results: ScannedFile[];
  /** Files found so far, and whether that is all of them. */
  found: number;
  allFound: boolean;
  /** Workers that listen to the scan's queue; absent without a queue, and where its server does not say. */
  workers?: number;
}
/** Classify every audio file below folders. Cancelling keeps what is done. Partial results are `ScanPart`. */
export namespace ScanRequest {
  export const method = 'deepfake/scan';
  export const type = new RequestType<ScanParams, ScanResult, ErrorData>(method);
  export const partialResult = new ProgressType<ScanPart>();
}

export interface ScanReportParams extends WorkDoneProgressParams {
  /** Absolute paths of the files to tell of; one that does not exist any more is told as not read. */
  files: string[];
  /** The file to write, in the format of its extension: .json .jsonl .csv .sarif .html .txt. */
  output: string;
  /** Absolute paths that were scanned, as the report names them. */
  paths: string[];
  /** The folder that paths in the report are relative to. */
  base: string;
  /** As in `ScanParams`. */
  store?: string | false;
}
/** Write a report on files. What the store knows is not analysed again. */
export namespace ScanReportRequest {
  export const method = 'deepfake/scanReport';
  export const type = new RequestType<ScanReportParams, ScanSummary, ErrorData>(method);
}

/** The settings of a training run; what is absent takes the default of `deepfake-audio train`. */
export interface TrainParams extends WorkDoneProgressParams, PartialResultParams {
  dataRoot: string;
  modelDir: string;
  reportsDir: string;
  /** Name of a preset recipe or path of a recipe file. */
  recipe?: string;
  epochs?: number;
  batchSize?: number;
  valSize?: number;
  lr?: number;
  weightDecay?: number;
  patience?: number;
  seed?: number;
  samplePerClass?: number;
  /** Go on with the unfinished run in `modelDir`. The other settings must be those that it was begun with. */
  resume?: boolean;
  /** Begin anew although there is an unfinished run in `modelDir`; without one of the two that fails with TrainingUnfinished. */
  fresh?: boolean;
}
/** What a training run tells while it works, in this order; steps and clips are told a few times a second. */
export type TrainingEvent =
  | {
      type: 'dataset';
      genuine: number;
      deepfake: number;
      training: number;
      validation: number;
      testing: number;
      /** Of the run as it was asked for. */
      epochs: number;
      batchSize: number;
      engine: EngineFacts;
      warnings: string[];
    }
  /** Clips read and turned into features. */
  | { type: 'preparing'; done: number; total: number }
  /** The run goes on where it was, in this epoch. */
  | { type: 'resuming'; epoch: number; epochs: number; warnings: string[] }
  | ({ type: 'step' } & StepReport)
  /** Validation clips scored after an epoch. */
  | { type: 'validating'; epoch: number; epochs: number; done: number; total: number }
  | { type: 'epoch'; report: EpochReport }
  | { type: 'testing'; done: number; total: number };
/** How far a run is. */
export interface StepReport {
  epoch: number;
  epochs: number;
  /** Of the whole run. */
  step: number;
  steps: number;
  /** Smoothed over some 20 seconds; absent at the very beginning. */
  examplesPerSecond?: number;
  /** For the whole run, if it does not stop early; absent in the first seconds. */
  secondsLeft?: number;
}
/** What an epoch came to. */
export interface EpochReport {
  epoch: number;
  epochs: number;
  /** Mean training loss. */
  loss: number;
  valAccuracy: number;
  valEer: number;
  valF1: number;
  examplesPerSecond: number;
  /** Whether this epoch is the best so far. */
  best: boolean;
}
export interface TrainResult {
  checkpoint: string;
  config: string;
  metricsFile: string;
  confusionMatrixFile: string;
  /** `report.html`: the same figures with plots. */
  reportFile: string;
  /** Of the validation part. */
  metrics: MetricsFile;
  /** Of the testing part, where the data set has one: its reports are called `test_metrics.json` and so on. */
  test?: EvaluatedClips;
  epochsRun: number;
  /** The epoch whose weights were kept: the best one, or the last where the recipe keeps that. */
  bestEpoch: number;
  /** It was asked to end before its time: what is here is the best so far, and `resume` goes on with it. */
  cancelled: boolean;
}
/** Train a model. Cancelling keeps the best checkpoint and lets `resume` go on later. Partial results are `TrainingEvent`. */
export namespace TrainRequest {
  export const method = 'deepfake/train';
  export const type = new RequestType<TrainParams, TrainResult, ErrorData>(method);
  export const partialResult = new ProgressType<TrainingEvent>();
}

export interface DatasetParams {
  dataRoot: string;
}
/** What a labelled folder holds, in clips. */
export interface DatasetResult {
  /** The folder given, or the known training folder below it. */
  root: string;
  name: string;
  genuine: number;
  deepfake: number;
  /** Clips that a run with default settings would train on, validate on and test with at the end. */
  parts: { training: number; validation: number; testing: number };
  /** How many clips each rule labelled. */
  labelSources: { metadata: number; folder: number; fileName: number };
  /** Oddities worth telling the user, one sentence each. */
  warnings: string[];
}
/** Look at a labelled folder: nothing is decoded. Fails as training on it would. */
export namespace DatasetRequest {
  export const method = 'deepfake/dataset';
  export const type = new RequestType<DatasetParams, DatasetResult, ErrorData>(method);
}

export interface EvaluateParams extends WorkDoneProgressParams {
  dataRoot: string;
  reportsDir: string;
  /** Both absent: the loaded model. */
  checkpoint?: string;
  config?: string;
  samplePerClass?: number;
}
/** What was measured on labelled clips, and the files that tell. */
export interface EvaluatedClips {
  metricsFile: string;
  confusionMatrixFile: string;
  reportFile: string;
  metrics: MetricsFile;
  /** Share of clips that are not Inconclusive, and the accuracy among them. */
  coverage: number;
  decidedAccuracy: number;
}
export interface EvaluateResult extends EvaluatedClips {
  /** Oddities of the data set worth telling the user. */
  warnings: string[];
}
/** Measure a model on a labelled folder and write metrics.json, confusion_matrix.png and report.html. */
export namespace EvaluateRequest {
  export const method = 'deepfake/evaluate';
  export const type = new RequestType<EvaluateParams, EvaluateResult, ErrorData>(method);
}

/** `metrics.json`: the reference's fields first, in its spelling. */
export interface MetricsFile {
  accuracy: number;
  eer: number;
  /** F1 of the class Deepfake. */
  f1: number;
  per_class_accuracy: { Genuine: number; Deepfake: number };
  /** [[true negatives, false positives], [false negatives, true positives]], Deepfake positive. */
  confusion_matrix: [[number, number], [number, number]];
  threshold: number;
  [extra: string]: unknown;
}

/** Which model answers, and what it is computed by. */
export interface ModelInfo extends ModelFacts {
  engine: EngineFacts;
}
/** Tell which model answers. */
export namespace ModelRequest {
  export const method = 'deepfake/model';
  export const type = new RequestType0<ModelInfo, ErrorData>(method);
}

export interface LoadModelParams {
  /** Absent: the shipped model. */
  checkpoint?: string;
  /** Absent: `model_config.json` beside the checkpoint. */
  config?: string;
}
/** Load another model; the one in use stays when it fails. */
export namespace LoadModelRequest {
  export const method = 'deepfake/loadModel';
  export const type = new RequestType<LoadModelParams, ModelInfo, ErrorData>(method);
}

export interface ImportModelParams {
  /** A checkpoint of PyTorch, `.pth` or `.pt`; nothing in it is executed. */
  checkpoint: string;
  /** Absent: `model_config.json` beside the checkpoint. */
  config?: string;
  /** Where `deepfake_cnn.safetensors` and `model_config.json` are written. */
  folder: string;
}
export interface ImportModelResult {
  checkpoint: string;
  config: string;
  /** The model's name. */
  name: string;
}
/** Turn a checkpoint of PyTorch into one that can be loaded. */
export namespace ImportModelRequest {
  export const method = 'deepfake/importModel';
  export const type = new RequestType<ImportModelParams, ImportModelResult, ErrorData>(method);
}

export interface ExportModelParams {
  /** The ONNX file to write. */
  onnxFile: string;
  /** Absent: the loaded model. */
  checkpoint?: string;
  /** Absent: `model_config.json` beside the checkpoint. */
  config?: string;
}
export interface ExportModelResult {
  /** The model's name. */
  name: string;
}
/** Write a model as ONNX. */
export namespace ExportModelRequest {
  export const method = 'deepfake/exportModel';
  export const type = new RequestType<ExportModelParams, ExportModelResult, ErrorData>(method);
}

export interface PlayableAudioParams {
  file: string;
  /** Seconds from the beginning of the file; default 0. */
  start?: number;
}
/** Up to two minutes of a file's sound as 16-bit WAV, for players that cannot decode the original. */
export interface PlayableAudioResult {
  /** Base64 of a complete mono WAV file. */
  wav: string;
  /** Where it begins in the file, and how long it is, in seconds. */
  start: number;
  duration: number;
  /** The file ends with it. */
  last: boolean;
}
/** Decode a file for a player. */
export namespace PlayableAudioRequest {
  export const method = 'deepfake/playableAudio';
  export const type = new RequestType<PlayableAudioParams, PlayableAudioResult, ErrorData>(method);
}

/** Sent once after start-up when the daemon can answer. */
export namespace ReadyNotification {
  export const method = 'deepfake/ready';
  export const type = new NotificationType0(method);
}
