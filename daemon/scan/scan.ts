import { createHash } from 'node:crypto';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import type { FileResult, ScannedFile, ScanSummary } from '../../shared/protocol.ts';
import { type FileState, readFileState, stateText } from '../features/contentHash.ts';
import type { Classifier } from '../inference/classifier.ts';
import { packageVersion } from '../paths.ts';
import { PathOrder } from './pathOrder.ts';
import type { ResultStore, StoredResult } from './resultStore.ts';
import { type FoundFile, type WalkOptions, walkAudio } from './walk.ts';

/** Files looked up at once: enough to hide the latency of a disk, few enough to hold in memory. */
const LOOKUPS = 32;
/** Milliseconds as `Date` has them, from nanoseconds. */
const NANOSECONDS_PER_MILLISECOND = 1_000_000n;

export interface ScanOptions extends WalkOptions {
  /** Only files modified at or after this time. */
  since?: Date;
  /** Score the first window only, as the reference does. */
  firstWindow?: boolean;
  /** Results in path order instead of as they come. */
  ordered?: boolean;
  /** Absent: every file is analysed. */
  store?: ResultStore;
  /** Receives each file once; the scan waits for what it returns. */
  onResult(result: ScannedFile): void | Promise<void>;
  onProgress?(progress: ScanProgress): void;
}

export interface ScanProgress {
  summary: ScanSummary;
  /** Files found so far, and whether that is all of them. */
  found: number;
  allFound: boolean;
}

/**
 * Classifies every audio file below the paths; what the store knows about unchanged content is not analysed again. Files
 * that cannot be read are results with an error. Memory does not grow with the number of files. Throws FileNotFound for a
 * named path that does not exist, StoreUnusable, and Cancelled.
 */
export async function scan(classifier: Classifier, options: ScanOptions): Promise<ScanSummary> {
  return new Scan(classifier, options).run();
}

/** Where an answer came from: the lines of `ScanSummary`. */
type Source = 'unchanged' | 'recognized' | 'analyzed';

interface Answer {
  result: FileResult;
  /** The content alone decides this result, so that it may be kept. */
  lasting?: boolean;
  source: Source;
  contentHash?: string;
}

class Scan {
  private readonly profile: string;
  private readonly started = performance.now();
  private readonly abort = new AbortController();
  private readonly order: PathOrder<ScannedFile> | undefined;
  private readonly counts = { files: 0, Genuine: 0, Deepfake: 0, Inconclusive: 0, failed: 0 };
  private readonly sources: Record<Source, number> = { unchanged: 0, recognized: 0, analyzed: 0 };
  /** Found, but older than wanted. */
  private tooOld = 0;
  private counted = 0;
  private allCounted = false;

  constructor(
    private readonly classifier: Classifier,
    private readonly options: ScanOptions,
  ) {
    this.profile = resultProfile(classifier, options.firstWindow ?? false);
    this.order = options.ordered ? new PathOrder((result) => this.hand(result)) : undefined;
  }

  async run(): Promise<ScanSummary> {
    const { signal } = this.options;
    const cancel = () => this.abort.abort();
    signal?.addEventListener('abort', cancel, { once: true });
    if (signal?.aborted) cancel();
    const files = walkAudio({ ...this.options, signal: this.abort.signal });
    const work = [
      ...Array.from({ length: LOOKUPS }, () => this.lane(files)),
      ...(this.options.onProgress === undefined ? [] : [this.count()]),
    ];
    // The first failure ends the others, and none is left running when this returns.
    let failure: unknown;
    for (const part of work) {
      part.catch((error) => {
        failure ??= error;
        cancel();
        this.order?.stop();
      });
    }
    await Promise.allSettled(work);
    signal?.removeEventListener('abort', cancel);
    if (failure !== undefined) throw failure;
    return this.summary();
  }

  private nextIndex = 0;

  private async lane(files: AsyncGenerator<FoundFile>): Promise<void> {
    for (;;) {
      const { value: found, done } = await files.next();
      if (done) return;
      const index = this.nextIndex++;
      await this.order?.room(index);
      const answer = await this.answer(found);
      if (answer === undefined) this.tooOld++;
      else this.note(answer);
      const result = answer && scannedFile(answer);
      if (this.order !== undefined) await this.order.put(index, result);
      else if (result !== undefined) await this.hand(result);
    }
  }

  /** Counts ahead, so that the time left can be told. */
  private async count(): Promise<void> {
    for await (const _ of walkAudio({ ...this.options, signal: this.abort.signal })) this.counted++;
    this.allCounted = true;
  }

  private async hand(result: ScannedFile): Promise<void> {
    await this.options.onResult(result);
    this.options.onProgress?.({
      summary: this.summary(),
      found: Math.max(this.counted, this.nextIndex) - this.tooOld,
      allFound: this.allCounted,
    });
  }

  private note({ result, source }: Answer): void {
    this.counts.files++;
    this.counts['verdict' in result ? result.verdict.decision : 'failed']++;
    this.sources[source]++;
  }

  private summary(): ScanSummary {
    return { ...this.counts, ...this.sources, seconds: (performance.now() - this.started) / 1000 };
  }

  /** Undefined for a file that is older than wanted. */
  private async answer({ path, error }: FoundFile): Promise<Answer | undefined> {
    if (error !== undefined) return { result: failed(path, error), source: 'analyzed' };
    // A file that has no state cannot be read: the attempt says why.
    const state = await readFileState(path).catch(() => undefined);
    const { since, store } = this.options;
    if (since !== undefined && state !== undefined) {
      if (state.mtimeNs / NANOSECONDS_PER_MILLISECOND < BigInt(since.getTime())) return undefined;
    }
    try {
      if (store === undefined || state === undefined) {
        return { ...(await this.classify(path)), source: 'analyzed' };
      }
      return await this.answerWithStore(path, state, store);
    } catch (error) {
      if (!isFileError(error)) throw error;
      return { result: failed(path, error), source: 'analyzed' };
    }
  }

  private async answerWithStore(path: string, state: FileState, store: ResultStore): Promise<Answer> {
    const known = store.contentHash(path, state);
    const contentHash = known ?? (await this.classifier.pool.contentHash(path, this.abort.signal));
    const key = { contentHash, profile: this.profile };
    const stored = store.result(key);
    let answer: Answer;
    if (stored !== undefined) {
      const source = known === undefined ? 'recognized' : 'unchanged';
      answer = { result: this.restored(path, stored), lasting: true, source, contentHash };
    } else {
      answer = { ...(await this.classify(path)), source: 'analyzed', contentHash };
    }
    if (!answer.lasting || (known !== undefined && stored !== undefined)) return answer;
    // What was written to meanwhile is not what was hashed.
    const now = await readFileState(path).catch(() => undefined);
    if (now === undefined || stateText(now) !== stateText(state)) return answer;
    await Promise.all([
      stored === undefined ? store.putResult(key, storable(path, answer.result)) : undefined,
      known === undefined ? store.putContentHash(path, state, contentHash) : undefined,
    ]);
    return answer;
  }

  private async classify(path: string): Promise<Pick<Answer, 'result' | 'lasting'>> {
    const { firstWindow } = this.options;
    try {
      const verdict = await this.classifier.classify(path, { firstWindow, signal: this.abort.signal });
      return { result: { file: path, verdict }, lasting: true };
    } catch (error) {
      if (!isFileError(error)) throw error;
      // A decoder that ran out of time or memory, which is the cause of its error, may do better another time.
      const lasting = CONTENT_ERRORS.has(error.code) && error.cause === undefined;
      return { result: failed(path, error), lasting };
    }
  }

  private restored(file: string, stored: StoredResult): FileResult {
    if ('error' in stored) {
      const message = stored.error.message.split(PATH_MARK).join(file);
      return { file, error: { code: stored.error.code, message } };
    }
    return { file, verdict: { ...stored.verdict, file, model: this.classifier.model.facts } };
  }
}

const isFileError = (error: unknown): error is DeepfakeError =>
  error instanceof DeepfakeError &&
  error.code !== ErrorCode.Cancelled &&
  error.code !== ErrorCode.StoreUnusable;

const failed = (file: string, { code, message }: DeepfakeError): FileResult => ({
  file,
  error: { code, message },
});

const scannedFile = ({ result, source, contentHash }: Answer): ScannedFile => ({
  ...result,
  cached: source !== 'analyzed',
  ...(contentHash === undefined ? {} : { contentHash }),
});

/** Stands for the path in kept messages, as the same content may be found elsewhere. No path holds this character. */
const PATH_MARK = '\0';

/** Errors that the content alone is to blame for; others may be gone the next time. */
const CONTENT_ERRORS = new Set([ErrorCode.NotAudio, ErrorCode.AudioDamaged, ErrorCode.FileEmpty]);

function storable(path: string, result: FileResult): StoredResult {
  if ('verdict' in result) {
    const { file: _, model: __, ...verdict } = result.verdict;
    return { verdict };
  }
  const { code, message } = result.error;
  return { error: { code, message: message.split(path).join(PATH_MARK) } };
}

/** Hash of everything but the content that a result depends on: model, engine, settings and this program's version. */
function resultProfile({ model, engine }: Classifier, firstWindow: boolean): string {
  const facts = [packageVersion, model.facts.sha256, model.config, engine, firstWindow];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}
