import type { EngineFacts } from '../../../shared/verdict.ts';
import { packageVersion } from '../../paths.ts';
import type { StoredResult } from '../storedResult.ts';

/** A file that a scan wants an answer for. */
export interface QueuedFile {
  /** As the scan sees it: an absolute path, or a URL. */
  path: string;
  /** What the scan tells changes of the file by. */
  state: string;
  bytes: number;
}

/** A batch of files, as it goes to a worker. */
export interface FilesJob {
  /** The scans that may collect the answers: those of one store. */
  owner: string;
  /** Hash of model and settings. */
  profile: string;
  /** Name of the model among those that scans have put beside the queue. */
  model: string;
  firstWindow: boolean;
  files: QueuedFile[];
}

/** What a worker says of a file. */
export interface RemoteAnswer {
  stored: StoredResult;
  /** The content alone decides this result, so that it may be kept. */
  lasting: boolean;
  /** SHA-256, hexadecimal. */
  contentHash?: string;
  /** State of what a URL gave. */
  state?: string;
}
/**
 * The answer for each file of a batch, in its order; `alone` for one that needs a job of its own, `unchanged` for a URL that gives
 * what it gave when the scan learnt its state.
 */
export type FilesAnswer = (RemoteAnswer | 'alone' | 'unchanged')[];

/** How often a file is tried in a job of its own. */
export const TRIES = 3;

/** Scans and workers of other versions and engines, whose results differ, meet in queues of their own. */
export const queueName = ({ name, device }: EngineFacts): string =>
  `deepfake-audio-${packageVersion}-${name}-${device}`;

export const modelKey = (model: string): string => `deepfake-audio:model:${model}`;
