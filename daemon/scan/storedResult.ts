import { type DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import type { FileResult } from '../../shared/protocol.ts';
import type { ModelFacts, Verdict } from '../../shared/verdict.ts';

/** An answer without what it was asked by: path and model. */
export type StoredResult =
  | { verdict: Omit<Verdict, 'file' | 'model' | 'spectrogram' | 'evidence'> }
  | { error: { code: ErrorCode; message: string } };

/** Stands for the path in kept messages, as the same content may be found elsewhere. No path holds this character. */
const PATH_MARK = '\0';

/** Errors that the content alone is to blame for; others may be gone the next time. */
const CONTENT_ERRORS = new Set([ErrorCode.NotAudio, ErrorCode.AudioDamaged, ErrorCode.FileEmpty]);

/** Whether an error stays as long as the content: a decoder that ran out of time or memory, its cause, may do better another time. */
export const isLasting = ({ code, cause }: DeepfakeError): boolean =>
  CONTENT_ERRORS.has(code) && cause === undefined;

/** What is kept of the answer for the file at `path`. */
export function storable(path: string, result: FileResult): StoredResult {
  if ('verdict' in result) {
    const { file: _, model: __, ...verdict } = result.verdict;
    return { verdict };
  }
  const { code, message } = result.error;
  return { error: { code, message: message.split(path).join(PATH_MARK) } };
}

/** The answer for a file, from what was kept for its content. */
export function restored(file: string, stored: StoredResult, model: ModelFacts): FileResult {
  if ('error' in stored) {
    const message = stored.error.message.split(PATH_MARK).join(file);
    return { file, error: { code: stored.error.code, message } };
  }
  return { file, verdict: { ...stored.verdict, file, model } };
}
