import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DelayedError, type Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { DeepfakeError, ErrorCode } from '../../../shared/errors.ts';
import { CHECKPOINT_NAME, CONFIG_NAME } from '../../../shared/modelFiles.ts';
import type { Detector } from '../../detector.ts';
import { readFileState, stateText } from '../../features/contentHash.ts';
import type { Classifier } from '../../inference/classifier.ts';
import { isLasting, storable } from '../storedResult.ts';
import { type FileLocator, type Located, PassingFailure } from './fileLocator.ts';
import {
  type FilesAnswer,
  type FilesJob,
  modelKey,
  type QueuedFile,
  queueName,
  type RemoteAnswer,
  TRIES,
} from './jobs.ts';
import { connectRedis } from './redis.ts';

/** Files of a job that are analysed at once. */
const FILES_PER_JOB = 16;
/** How long a job waits for one that must be alone. */
const STAND_BACK_MS = 1_000;
/** Models that stay loaded. */
const MODELS = 2;
/** Errors that another worker, or this one later, may not have: a folder that is not mounted here, ffmpeg that is missing. */
const PASSING_ERRORS = new Set([ErrorCode.FileNotFound, ErrorCode.FileUnreadable, ErrorCode.DecoderMissing]);

export interface QueueWorkerOptions {
  url: string;
  detector: Detector;
  locator: FileLocator;
  /** Milliseconds without a sign of life after which another worker takes over. */
  stalledAfter: number;
  warn(message: string): void;
  /** Told of each job done, in files. */
  onFiles(count: number): void;
}

/** Answers the jobs of scans, for as long as it is open. */
export class QueueWorker {
  /** Jobs under way, and whether one of them may end this process and must be alone. */
  private readonly running = new Set<Promise<unknown>>();
  private suspect = false;
  private readonly models = new Map<string, { loading: Promise<Classifier>; users: number }>();

  private constructor(
    private readonly options: QueueWorkerOptions,
    private readonly redis: Redis,
    private readonly worker: Worker<FilesJob, FilesAnswer>,
  ) {}

  /** Throws the errors of `connectRedis`. */
  static async open(options: QueueWorkerOptions): Promise<QueueWorker> {
    const redis = await connectRedis(options.url, options.warn);
    const { engine } = options.detector.classifier;
    const process = (job: Job<FilesJob, FilesAnswer>, token?: string) => opened.answer(job, token);
    const worker = new Worker<FilesJob, FilesAnswer>(queueName(engine), process, {
      connection: redis,
      name: hostname(),
      autorun: false,
      // The files of one job end at different times: the next one fills the gaps.
      concurrency: 1 + Math.ceil((2 * options.detector.pool.workers) / FILES_PER_JOB),
      lockDuration: options.stalledAfter,
      stalledInterval: options.stalledAfter,
      maxStalledCount: TRIES - 1,
      runRetryDelay: 1000,
    });
    // The connection tells of outages itself; what fails in a job is told to the scan.
    worker.on('error', () => {});
    const opened = new QueueWorker(options, redis, worker);
    await worker.waitUntilReady();
    void worker.run().catch(() => {});
    return opened;
  }

  /** Ends when the jobs under way are done. */
  async close(): Promise<void> {
    await this.worker.close();
    for (const { loading } of this.models.values()) await (await loading).dispose();
    this.redis.disconnect();
  }

  private async answer(job: Job<FilesJob, FilesAnswer>, token: string | undefined): Promise<FilesAnswer> {
    // Whoever had it before is gone, perhaps because of one of its files.
    const suspected = job.stalledCounter > 0;
    // Each by itself shows which.
    if (suspected && job.data.files.length > 1) return job.data.files.map(() => 'alone');
    if (this.suspect) {
      // What is at work beside a file that ends the process would be suspected with it.
      await job.moveToDelayed(Date.now() + STAND_BACK_MS, token);
      throw new DelayedError();
    }
    if (!suspected) return this.beside(this.answerFiles(job));
    this.suspect = true;
    try {
      await Promise.allSettled(this.running);
      return await this.answerFiles(job);
    } finally {
      this.suspect = false;
    }
  }

  private async beside<T>(work: Promise<T>): Promise<T> {
    this.running.add(work);
    try {
      return await work;
    } finally {
      this.running.delete(work);
    }
  }

  private async answerFiles(job: Job<FilesJob, FilesAnswer>): Promise<FilesAnswer> {
    const { files, model, firstWindow } = job.data;
    const isLast = job.attemptsMade + 1 >= TRIES;
    const answers = await this.withModel(model, (classifier) =>
      Promise.all(
        files.map(async (file): Promise<FilesAnswer[number]> => {
          const answer = await this.answerFile(classifier, file, firstWindow);
          if (answer === 'unchanged' || !('passing' in answer)) return answer;
          if (files.length > 1) return 'alone';
          if (isLast) return answer.passing;
          throw new Error(answer.reason);
        }),
      ),
    );
    this.options.onFiles(files.length);
    return answers;
  }

  /** What can be said of a file, or what went wrong in a way that may pass. */
  private async answerFile(
    classifier: Classifier,
    file: QueuedFile,
    firstWindow: boolean,
  ): Promise<RemoteAnswer | 'unchanged' | Passing> {
    let located: Located | 'unchanged';
    try {
      located = await this.options.locator.locate(file.path, file.state);
    } catch (error) {
      if (error instanceof DeepfakeError) return failure(file.path, error);
      if (!(error instanceof PassingFailure)) throw error;
      const unreachable = new DeepfakeError(ErrorCode.FileUnreadable, `${error.message}: try again later.`);
      return { passing: failure(file.path, unreachable), reason: error.message };
    }
    if (located === 'unchanged') return 'unchanged';
    const { path, state } = located;
    let contentHash: string | undefined;
    try {
      const before = await readFileState(path).catch(() => undefined);
      contentHash = await classifier.pool.contentHash(path);
      const verdict = await classifier.classify(path, { firstWindow });
      const after = await readFileState(path).catch(() => undefined);
      const same = before !== undefined && after !== undefined && stateText(before) === stateText(after);
      return { stored: storable(path, { file: path, verdict }), lasting: same, contentHash, state };
    } catch (error) {
      if (!(error instanceof DeepfakeError)) throw error;
      const answer = { ...failure(path, error), lasting: isLasting(error), contentHash, state };
      const mayPass = PASSING_ERRORS.has(error.code) || error.cause !== undefined;
      return mayPass ? { passing: answer, reason: error.message } : answer;
    } finally {
      await located.dispose();
    }
  }

  /** Works with the model of a scan, as it lies beside the queue. */
  private async withModel<T>(name: string, work: (classifier: Classifier) => Promise<T>): Promise<T> {
    let model = this.models.get(name);
    if (model === undefined) {
      model = { loading: this.loadModel(name), users: 0 };
      this.models.set(name, model);
    }
    model.users++;
    try {
      return await work(await model.loading);
    } catch (error) {
      await model.loading.catch(() => this.models.delete(name));
      throw error;
    } finally {
      model.users--;
      for (const [other, { users, loading }] of this.models) {
        if (this.models.size <= MODELS || users > 0) continue;
        this.models.delete(other);
        await (await loading).dispose();
      }
    }
  }

  private async loadModel(model: string): Promise<Classifier> {
    const { checkpoint, config } = await this.redis.hgetallBuffer(modelKey(model));
    if (checkpoint === undefined || config === undefined) throw new Error('the model is not in the queue');
    const hash = createHash('sha256').update(checkpoint).update(config).digest('hex');
    if (hash !== model) throw new Error('the model in the queue is damaged');
    const folder = await mkdtemp(join(tmpdir(), 'deepfake-audio-worker-'));
    try {
      const path = join(folder, CHECKPOINT_NAME);
      await writeFile(path, checkpoint);
      await writeFile(join(folder, CONFIG_NAME), config);
      return await this.options.detector.openClassifier(path);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** An answer that another attempt may better. */
interface Passing {
  passing: RemoteAnswer;
  reason: string;
}

const failure = (path: string, { code, message }: DeepfakeError): RemoteAnswer => ({
  stored: storable(path, { file: path, error: { code, message } }),
  lasting: false,
});
