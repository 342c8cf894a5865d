import { createHash, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import type { FileResult, ScannedFile, ScanSummary } from '../../shared/protocol.ts';
import { type FileState, readFileState, stateText } from '../features/contentHash.ts';
import type { Classifier } from '../inference/classifier.ts';
import { packageVersion } from '../paths.ts';
import { PathOrder } from './pathOrder.ts';
import type { QueuedFile, RemoteAnswer } from './queue/jobs.ts';
import type { QueueAnswer, ScanQueue } from './queue/scanQueue.ts';
import type { ResultStore } from './resultStore.ts';
import { isLasting, restored, type StoredResult, storable } from './storedResult.ts';
import { isUrl, nameOfUrl } from './urls.ts';
import { type FoundFile, type WalkOptions, walkAudio } from './walk.ts';

/** Files looked up at once: enough to hide the latency of a disk, few enough to hold in memory. */
const LOOKUPS = 32;
/** Files in the queue at once: enough for a few dozen machines, and what a scan that was killed leaves behind. */
const QUEUED = 4096;
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
  /** Address of the Redis whose workers analyse, instead of this process. */
  queue?: string;
  /** Told of what the user should know about the queue. */
  warn?(message: string): void;
  /** Receives each file once; the scan waits for what it returns. */
  onResult(result: ScannedFile): void | Promise<void>;
  onProgress?(progress: ScanProgress): void;
}

export interface ScanProgress {
  summary: ScanSummary;
  /** Files found so far, and whether that is all of them. */
  found: number;
  allFound: boolean;
  /** Workers that listen to the queue, where there is one and it says so. */
  workers?: number;
}

/**
 * Classifies every audio file below the paths; what the store knows about unchanged content is not analysed again. Files
 * that cannot be read are results with an error. Memory does not grow with the number of files. Throws FileNotFound for a
 * named path that does not exist, StoreUnusable, QueueUnusable, and Cancelled.
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
  private queue: ScanQueue | undefined;

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
    try {
      await this.openQueue();
      return await this.scanAll(cancel);
    } finally {
      signal?.removeEventListener('abort', cancel);
      await this.queue?.close();
    }
  }

  private async scanAll(cancel: () => void): Promise<ScanSummary> {
    const files = walkAudio({ ...this.options, signal: this.abort.signal });
    const lanes = this.queue === undefined ? LOOKUPS : QUEUED;
    const work = [
      ...Array.from({ length: lanes }, () => this.lane(files)),
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
    // Where others work it may be long until the first result.
    if (this.queue !== undefined) this.report();
  }

  private async hand(result: ScannedFile): Promise<void> {
    await this.options.onResult(result);
    this.report();
  }

  private report(): void {
    this.options.onProgress?.({
      summary: this.summary(),
      found: Math.max(this.counted, this.nextIndex) - this.tooOld,
      allFound: this.allCounted,
      ...(this.queue === undefined ? {} : { workers: this.queue.workers }),
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
    try {
      if (isUrl(path)) return await this.answerForUrl(path);
      // A file that has no state cannot be read: the attempt says why.
      const state = await readFileState(path).catch(() => undefined);
      const { since, store } = this.options;
      if (since !== undefined && state !== undefined) {
        if (state.mtimeNs / NANOSECONDS_PER_MILLISECOND < BigInt(since.getTime())) return undefined;
      }
      if (this.queue !== undefined) return await this.answerFromQueue(path, state, this.queue);
      if (store === undefined || state === undefined) {
        return { ...(await this.classify(path)), source: 'analyzed' };
      }
      return await this.answerWithStore(path, stateText(state), store);
    } catch (error) {
      if (!isFileError(error)) throw error;
      return { result: failed(nameOfUrl(path), error), source: 'analyzed' };
    }
  }

  private async answerWithStore(path: string, state: string, store: ResultStore): Promise<Answer> {
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
    if (!(await isStill(path, state))) return answer;
    await Promise.all([
      stored === undefined ? store.putResult(key, storable(path, answer.result)) : undefined,
      known === undefined ? store.putContentHash(path, state, contentHash) : undefined,
    ]);
    return answer;
  }

  private restored = (file: string, stored: StoredResult): FileResult =>
    restored(file, stored, this.classifier.model.facts);

  private async openQueue(): Promise<void> {
    const { queue: url, store, firstWindow = false, warn = () => {} } = this.options;
    if (url === undefined) return;
    // Loaded by whoever scans with a queue and by nobody else.
    const { ScanQueue } = await import('./queue/scanQueue.ts');
    this.queue = await ScanQueue.open({
      url,
      classifier: this.classifier,
      profile: this.profile,
      firstWindow,
      owner: store === undefined ? randomUUID() : `${hostname()}:${store.path}`,
      keep: (file, answer) => this.keep(file, answer),
      onWorkersChanged: () => this.report(),
      warn,
    });
    this.abort.signal.addEventListener('abort', () => this.queue?.cancel(), { once: true });
    if (this.abort.signal.aborted) this.queue.cancel();
  }

  private async answerFromQueue(path: string, now: FileState | undefined, queue: ScanQueue): Promise<Answer> {
    // What cannot even be looked at is told here.
    if (now === undefined) return { ...(await this.classify(path)), source: 'analyzed' };
    const state = stateText(now);
    const contentHash = this.options.store?.contentHash(path, state);
    const stored = contentHash && this.options.store?.result({ contentHash, profile: this.profile });
    if (contentHash && stored)
      return { result: this.restored(path, stored), source: 'unchanged', contentHash };
    return this.remoteAnswer(path, await queue.ask({ path, state, bytes: Number(now.size) }));
  }

  private async answerForUrl(url: string): Promise<Answer> {
    const { queue } = this;
    const file = nameOfUrl(url);
    if (queue === undefined) {
      const message = `${file} is fetched by workers only: name their queue with --queue, or download it first.`;
      throw new DeepfakeError(ErrorCode.InvalidArguments, message, file);
    }
    const before = this.options.store?.lastState(file);
    const key = before && { contentHash: before.contentHash, profile: this.profile };
    const stored = key && this.options.store?.result(key);
    const answer = await queue.ask({ path: url, state: stored ? before.state : '', bytes: 0 });
    if (answer !== 'unchanged') return this.remoteAnswer(file, answer);
    if (before === undefined || stored === undefined) throw new Error(`${file}: unchanged since never`);
    const { contentHash } = before;
    return { result: this.restored(file, stored), source: 'unchanged', contentHash };
  }

  private remoteAnswer(file: string, answer: QueueAnswer): Answer {
    if (answer === 'unchanged') throw new Error(`${file} was not asked for as a URL`);
    const { stored, contentHash } = answer;
    return { result: this.restored(file, stored), source: 'analyzed', contentHash };
  }

  /** Keeps what a worker has found, unless the file is not what was asked for any more. */
  private async keep({ path, state }: QueuedFile, answer: RemoteAnswer): Promise<void> {
    const { store } = this.options;
    const { contentHash, stored, lasting } = answer;
    if (store === undefined || contentHash === undefined || !lasting) return;
    const now = isUrl(path) ? answer.state : (await isStill(path, state)) ? state : undefined;
    await Promise.all([
      store.putResult({ contentHash, profile: this.profile }, stored),
      now === undefined ? undefined : store.putContentHash(nameOfUrl(path), now, contentHash),
    ]);
  }

  private async classify(path: string): Promise<Pick<Answer, 'result' | 'lasting'>> {
    const { firstWindow } = this.options;
    try {
      const verdict = await this.classifier.classify(path, { firstWindow, signal: this.abort.signal });
      return { result: { file: path, verdict }, lasting: true };
    } catch (error) {
      if (!isFileError(error)) throw error;
      return { result: failed(path, error), lasting: isLasting(error) };
    }
  }
}

const isFileError = (error: unknown): error is DeepfakeError =>
  error instanceof DeepfakeError &&
  error.code !== ErrorCode.Cancelled &&
  error.code !== ErrorCode.StoreUnusable;

/** Whether a file is in this state now. */
async function isStill(path: string, state: string): Promise<boolean> {
  const now = await readFileState(path).catch(() => undefined);
  return now !== undefined && stateText(now) === state;
}

const failed = (file: string, { code, message }: DeepfakeError): FileResult => ({
  file,
  error: { code, message },
});

const scannedFile = ({ result, source, contentHash }: Answer): ScannedFile => ({
  ...result,
  cached: source !== 'analyzed',
  ...(contentHash === undefined ? {} : { contentHash }),
});

/** Hash of everything but the content that a result depends on: model, engine, settings and this program's version. */
export function resultProfile({ model, engine }: Classifier, firstWindow: boolean): string {
  const facts = [packageVersion, model.facts.sha256, model.config, engine, firstWindow];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}
