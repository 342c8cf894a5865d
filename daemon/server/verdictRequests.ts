import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import type {
  ClassifyParams,
  ClassifyResult,
  FileResult,
  ReportParams,
  ReportPart,
} from '../../shared/protocol.ts';
import type { Verdict } from '../../shared/verdict.ts';
import type { Classifier } from '../inference/classifier.ts';
import type { PictureCache } from '../inference/filePictures.ts';
import type { Call } from './requests.ts';

/** Classifies files; one that fails is an entry of the result. Throws where the request is cancelled. */
export function classify(
  classifier: Classifier,
  { files, withImages }: ClassifyParams,
  { signal, partial, withProgress }: Call<FileResult[]>,
): Promise<ClassifyResult> {
  const results = new Array<FileResult>(files.length);
  const classifyOne = async (file: string, index: number) => {
    let result: FileResult;
    try {
      result = { file, verdict: await classifier.classify(file, { withImages, signal }) };
    } catch (error) {
      if (!(error instanceof DeepfakeError) || error.code === ErrorCode.Cancelled) throw error;
      result = { file, error: { code: error.code, message: error.message } };
    }
    results[index] = result;
    partial?.([result]);
  };
  return withProgress('Detecting deepfakes', async (progress) => {
    await classifier.pool.forEach(files, classifyOne, (done, total) =>
      progress.report((100 * done) / total, `${done} of ${total}`),
    );
    return { results: partial === undefined ? results : [] };
  });
}

/** Examines a file for a report and puts its pictures into the cache, from which details are asked. */
export function report(
  classifier: Classifier,
  cache: PictureCache,
  { file }: ReportParams,
  { signal, partial, withProgress }: Call<ReportPart>,
): Promise<Verdict> {
  return withProgress('Detecting deepfakes', async (progress) => {
    const { verdict, pictures } = await classifier.examine(file, { signal }, (part) => {
      if (part.promised !== undefined) progress.report(Math.min(100, (100 * part.seconds) / part.promised));
      partial?.({ ...part, threshold: classifier.model.config.threshold });
    });
    cache.put(file, pictures);
    return verdict;
  });
}
