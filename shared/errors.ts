/** Every way a request can fail that a user can do something about. The numbers travel in JSON-RPC errors. */
export enum ErrorCode {
  FileNotFound = -33001,
  FileUnreadable = -33002,
  FileEmpty = -33003,
  NotAudio = -33004,
  AudioDamaged = -33005,
  DecoderMissing = -33006,
  FileTooLarge = -33007,
  TooShort = -33008,
  DatasetNotFound = -33020,
  DatasetUnlabelled = -33021,
  DatasetOneClass = -33022,
  DatasetEmpty = -33023,
  DownloadRefused = -33024,
  DownloadFailed = -33025,
  ArchiveInvalid = -33026,
  CheckpointNotFound = -33040,
  CheckpointInvalid = -33041,
  ConfigNotFound = -33042,
  ConfigInvalid = -33043,
  WriteFailed = -33060,
  InvalidArguments = -33061,
  StoreUnusable = -33062,
  TrainingUnfinished = -33063,
  QueueUnusable = -33064,
  TooManyRequests = -33065,
  EngineUnavailable = -33070,
  DeviceUnavailable = -33071,
  Cancelled = -33080,
}

/** An expected failure: `message` is one sentence that names the file and what to do about it. */
export class DeepfakeError extends Error {
  override readonly name = 'DeepfakeError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    /** The file or folder that the error is about. */
    readonly file?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The first line of an unknown error's message, without a stack. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0];
}
