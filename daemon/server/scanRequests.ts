import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import type {
  ScannedFile,
  ScanParams,
  ScanPart,
  ScanReportParams,
  ScanResult,
  ScanSummary,
} from '../../shared/protocol.ts';
import type { Classifier } from '../inference/classifier.ts';
import { packageVersion } from '../paths.ts';
import { fileReport } from '../scan/reports.ts';
import { openStore } from '../scan/resultStore.ts';
import { scan } from '../scan/scan.ts';
import type { Call } from './requests.ts';

/** Milliseconds for which results of a scan are gathered into one message. */
const PARTIAL_RESULT_INTERVAL_MS = 50;

/** Scans files and folders. `warn` is told what is wrong with the store or the queue. */
export async function scanPaths(
  classifier: Classifier,
  params: ScanParams,
  { signal, partial, withProgress }: Call<ScanPart>,
  warn: (message: string) => void,
): Promise<ScanResult> {
  const since = sinceOf(params);
  const store = await openStore(params.store, warn);
  let results: ScannedFile[] = [];
  let timer: NodeJS.Timeout | undefined;
  let counts: Omit<ScanPart, 'results'> = { found: 0, allFound: false };
  let news = false;
  const send = () => {
    clearTimeout(timer);
    timer = undefined;
    if (news) partial?.({ results, ...counts });
    results = [];
    news = false;
  };
  const sendSoon = () => {
    news = true;
    if (partial !== undefined) timer ??= setTimeout(send, PARTIAL_RESULT_INTERVAL_MS);
  };
  let reportedAt = 0;
  try {
    return await withProgress('Scanning for deepfakes', async (progress) => {
      const summary = await scan(classifier, {
        paths: params.paths,
        include: params.include,
        exclude: params.exclude,
        base: params.base,
        filterNamed: params.filterNamed,
        allowMissing: params.allowMissing,
        since,
        ordered: params.ordered,
        store,
        queue: params.queue,
        warn,
        signal,
        onResult: (result) => {
          results.push(result);
          sendSoon();
        },
        onProgress: ({ summary: { files }, found, allFound, workers }) => {
          counts = { found, allFound, workers };
          if (workers !== undefined) sendSoon();
          if (performance.now() - reportedAt < PARTIAL_RESULT_INTERVAL_MS) return;
          reportedAt = performance.now();
          const by = workers === undefined ? '' : `, ${workers} ${workers === 1 ? 'worker' : 'workers'}`;
          progress.report(
            (100 * files) / Math.max(1, found),
            `${files} of ${found}${allFound ? '' : '+'} files${by}`,
          );
        },
      });
      if (partial !== undefined) send();
      return { summary, results };
    });
  } finally {
    clearTimeout(timer);
    await store?.close();
  }
}

/** Writes a report on files, analysing only what the store does not know. Leaves no half-written report behind. */
export async function writeScanReport(
  classifier: Classifier,
  { files, output, paths, base, store: storeFolder }: ScanReportParams,
  { signal, withProgress }: Call<never>,
  warn: (message: string) => void,
): Promise<ScanSummary> {
  const report = await fileReport(output, {
    paths,
    model: classifier.model.facts,
    version: packageVersion,
    started: new Date(),
    base,
  });
  const store = await openStore(storeFolder, warn);
  try {
    return await withProgress('Writing a report', async (progress) => {
      const summary = await scan(classifier, {
        paths: files,
        allowMissing: true,
        ordered: true,
        store,
        signal,
        onResult: (result) => report.add(result),
        onProgress: ({ summary: { files: done }, found }) =>
          progress.report((100 * done) / found, `${done} of ${found} files`),
      });
      await report.finish(summary);
      return summary;
    });
  } catch (error) {
    await report.discard();
    throw error;
  } finally {
    await store?.close();
  }
}

function sinceOf({ since }: ScanParams): Date | undefined {
  if (since === undefined) return undefined;
  const date = new Date(since);
  if (Number.isNaN(date.getTime()))
    throw new DeepfakeError(
      ErrorCode.InvalidArguments,
      `"${since}" is not a date: give one as in 2026-01-31.`,
    );
  return date;
}
