import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type Job, Queue, QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import { DeepfakeError, ErrorCode } from '../../../shared/errors.ts';
import type { Classifier } from '../../inference/classifier.ts';
import { modelContent } from '../../model/checkpoint.ts';
import {
  type FilesAnswer,
  type FilesJob,
  modelKey,
  type QueuedFile,
  queueName,
  type RemoteAnswer,
  TRIES,
} from './jobs.ts';
import { connectRedis, shownAddress } from './redis.ts';

/** A job holds at most this many files, and no more than this many bytes unless one file has them. */
const BATCH_FILES = 16;
const BATCH_BYTES = 32 * 2 ** 20;
/** How long a batch waits for more files. */
const GATHER_MS = 100;
/** How often the jobs are asked after, because events get lost and so does what a queue without a disk held. */
const CHECK_INTERVAL_MS = 2_000;
const FIRST_RETRY_MS = 1_000;
/** What nobody collects is deleted after a week. */
const KEPT_SECONDS = 7 * 24 * 3600;
/** Events of the last jobs only: they hold the answers a second time. */
const EVENTS_KEPT = 200;
/** How long the end of a scan waits for a queue that does not answer. */
const CLOSE_LIMIT_MS = 3_000;

export interface ScanQueueOptions {
  url: string;
  classifier: Classifier;
  profile: string;
  firstWindow: boolean;
  /** Whose answers this scan may collect; those of an earlier scan with the same name are taken over. */
  owner: string;
  /** Keeps an answer; the queue forgets it when this resolves. */
  keep(file: QueuedFile, answer: RemoteAnswer): Promise<void>;
  warn(message: string): void;
  /** `workers` has changed. */
  onWorkersChanged(): void;
}

/** A worker's answer, or `unchanged` for a URL that gives what it gave before. */
export type QueueAnswer = RemoteAnswer | 'unchanged';

interface Waiting {
  file: QueuedFile;
  promise: Promise<QueueAnswer>;
  resolve(answer: QueueAnswer): void;
  reject(error: unknown): void;
}

/**
 * A scan's end of the queue: batches of files become jobs, and each answer is kept before its job is deleted, so that none is
 * lost with a scan, a worker or Redis, and none counts twice.
 */
export class ScanQueue {
  private readonly jobs = new Map<string, Waiting[]>();
  /** By file and state. */
  private readonly files = new Map<string, Waiting>();
  private readonly settling = new Set<string>();
  private batch: Waiting[] = [];
  private batchTimer: NodeJS.Timeout | undefined;
  private checkTimer: NodeJS.Timeout | undefined;
  private closed = false;
  private failure: { error: unknown } | undefined;
  private toldOfNoWorkers = false;
  /** Workers that listen; undefined where the server does not say. */
  workers: number | undefined;

  private constructor(
    private readonly options: ScanQueueOptions,
    private readonly redis: Redis,
    private readonly queue: Queue<FilesJob, FilesAnswer>,
    private readonly events: QueueEvents,
    private readonly model: { name: string; checkpoint: Uint8Array; config: string },
  ) {}

  /** Takes over what an earlier scan of the same owner has left in the queue. Throws the errors of `connectRedis`. */
  static async open(options: ScanQueueOptions): Promise<ScanQueue> {
    const redis = await connectRedis(options.url, options.warn);
    const name = queueName(options.classifier.engine);
    const queue = new Queue<FilesJob, FilesAnswer>(name, {
      connection: redis,
      streams: { events: { maxLen: EVENTS_KEPT } },
    });
    const events = new QueueEvents(name, { connection: redis });
    // The connection tells of outages itself.
    queue.on('error', () => {});
    events.on('error', () => {});
    const { state, config } = options.classifier.model;
    const content = modelContent(state, config, 0);
    const model = createHash('sha256').update(content.checkpoint).update(content.config).digest('hex');
    const scanQueue = new ScanQueue(options, redis, queue, events, { name: model, ...content });
    try {
      await scanQueue.start();
    } catch (error) {
      await scanQueue.close();
      throw error;
    }
    return scanQueue;
  }

  /** The answer for a file, once it is kept; the same for all who ask for it at the same time. */
  ask(file: QueuedFile): Promise<QueueAnswer> {
    if (this.failure !== undefined) return Promise.reject(this.failure.error);
    const known = this.files.get(keyOf(file));
    if (known !== undefined) return known.promise;
    const waiting = this.wait(file);
    const bytes = this.batch.reduce((sum, { file }) => sum + file.bytes, file.bytes);
    if (this.batch.length > 0 && bytes > BATCH_BYTES) this.sendBatch();
    this.batch.push(waiting);
    if (this.batch.length === BATCH_FILES) this.sendBatch();
    else this.batchTimer ??= setTimeout(() => this.sendBatch(), GATHER_MS);
    return waiting.promise;
  }

  /** Nobody waits any longer. */
  cancel(): void {
    this.fail(new DeepfakeError(ErrorCode.Cancelled, 'The scan was cancelled.'));
  }

  /** Takes back what no worker has begun; what is under way is collected by the next scan of the same owner. */
  async close(): Promise<void> {
    this.cancel();
    this.closed = true;
    clearTimeout(this.batchTimer);
    clearTimeout(this.checkTimer);
    const connected = this.redis.status === 'ready';
    const tidy = async () => {
      await Promise.all([...this.jobs.keys()].map((id) => this.queue.remove(id).catch(() => 0)));
      await this.events.close();
      await this.queue.close();
    };
    if (connected)
      await Promise.race([tidy().catch(() => {}), pause(CLOSE_LIMIT_MS, undefined, { ref: false })]);
    await this.events.disconnect().catch(() => {});
    this.redis.disconnect();
  }

  private async start(): Promise<void> {
    this.events.on('completed', ({ jobId, returnvalue }) =>
      this.settle(jobId, async () => returnvalue as unknown as FilesAnswer),
    );
    this.events.on('failed', ({ jobId, failedReason }) => this.settle(jobId, async () => failedReason));
    await this.events.waitUntilReady();
    await this.offerModel();
    const left = await this.queue.getJobs(['completed', 'active', 'wait', 'delayed']);
    for (const job of left) {
      // One that was deleted meanwhile is undefined.
      if (job?.id === undefined || job.data.owner !== this.options.owner) continue;
      if (job.data.profile !== this.options.profile) continue;
      this.jobs.set(
        job.id,
        job.data.files.map((file) => this.wait(file)),
      );
    }
    await this.check();
  }

  private wait(file: QueuedFile): Waiting {
    let resolve!: Waiting['resolve'];
    let reject!: Waiting['reject'];
    const promise = new Promise<QueueAnswer>((...settle) => {
      [resolve, reject] = settle;
    });
    // Nobody may be waiting for what an earlier scan asked for.
    promise.catch(() => {});
    const waiting = { file, promise, resolve, reject };
    this.files.set(keyOf(file), waiting);
    return waiting;
  }

  private sendBatch(): void {
    clearTimeout(this.batchTimer);
    this.batchTimer = undefined;
    const files = this.batch;
    this.batch = [];
    if (files.length > 0 && !this.closed) this.send(files);
  }

  private send(files: Waiting[]): void {
    const id = randomUUID();
    this.jobs.set(id, files);
    this.add(id, files).catch((error) => this.fail(error));
  }

  private async add(id: string, files: Waiting[]): Promise<void> {
    const { owner, profile, firstWindow } = this.options;
    const data = {
      owner,
      profile,
      model: this.model.name,
      firstWindow,
      files: files.map(({ file }) => file),
    };
    await this.queue.add('files', data, {
      jobId: id,
      attempts: TRIES,
      backoff: { type: 'exponential', delay: FIRST_RETRY_MS },
      removeOnComplete: { age: KEPT_SECONDS },
      removeOnFail: { age: KEPT_SECONDS },
    });
  }

  /** Takes a finished job's answers, or the reason why it failed; once, however often it is told. */
  private settle(id: string, outcome: () => Promise<FilesAnswer | string>): void {
    const files = this.jobs.get(id);
    if (files === undefined || this.settling.has(id) || this.closed) return;
    this.settling.add(id);
    this.take(id, files, outcome)
      .catch((error) => this.fail(error))
      .finally(() => this.settling.delete(id));
  }

  private async take(
    id: string,
    files: Waiting[],
    outcome: () => Promise<FilesAnswer | string>,
  ): Promise<void> {
    const answers = await outcome();
    const failed = typeof answers === 'string';
    const alone: Waiting[] = [];
    const settleOne = async (waiting: Waiting, answer: FilesAnswer[number]) => {
      if (answer === 'alone' && files.length > 1) {
        alone.push(waiting);
        return;
      }
      const final = answer === 'alone' ? setAside(String(answers)) : answer;
      if (final !== 'unchanged') await this.options.keep(waiting.file, final);
      this.files.delete(keyOf(waiting.file));
      waiting.resolve(final);
    };
    await Promise.all(files.map((waiting, index) => settleOne(waiting, failed ? 'alone' : answers[index])));
    // First the new jobs, then the old one's end: whoever comes between them finds both, and not neither.
    await Promise.all(
      alone.map((waiting) => {
        const own = randomUUID();
        this.jobs.set(own, [waiting]);
        return this.add(own, [waiting]);
      }),
    );
    this.jobs.delete(id);
    // A file that was set aside stays among the queue's failed jobs, for whoever looks after it.
    if (!failed || files.length > 1) await this.queue.remove(id);
  }

  /** Asks after every job, now and from time to time. */
  private async check(): Promise<void> {
    try {
      await this.offerModel();
      await Promise.all([...this.jobs.keys()].map((id) => this.checkJob(id)));
      const before = this.workers;
      this.workers = await this.queue.getWorkersCount().catch(() => undefined);
      if (this.workers !== before) this.options.onWorkersChanged();
      if (this.workers === 0 && !this.toldOfNoWorkers) this.tellOfNoWorkers();
      if (this.workers !== 0) this.toldOfNoWorkers = false;
    } catch (error) {
      if (!this.closed) this.fail(error);
    }
    if (!this.closed) this.checkTimer = setTimeout(() => void this.check(), CHECK_INTERVAL_MS);
  }

  private async checkJob(id: string): Promise<void> {
    const files = this.jobs.get(id);
    if (files === undefined || this.settling.has(id)) return;
    const state = await this.queue.getJobState(id);
    if (state === 'completed' || state === 'failed') {
      const job = (await this.queue.getJob(id)) as Job<FilesJob, FilesAnswer> | undefined;
      if (job !== undefined)
        this.settle(id, async () => (state === 'failed' ? job.failedReason : job.returnvalue));
    } else if (state === 'unknown' && this.jobs.has(id) && !this.settling.has(id)) {
      // Redis has lost it, or its adding is still under way and this changes nothing.
      await this.add(id, files);
    }
  }

  private tellOfNoWorkers(): void {
    this.toldOfNoWorkers = true;
    const { name, device } = this.options.classifier.engine;
    this.options.warn(
      `No worker of this version with the engine ${name} on ${device} listens at ${shownAddress(this.options.url)}: ` +
        'start "deepfake-audio worker --queue …" on each machine.',
    );
  }

  /** The model lies beside the queue, so that workers need none of their own. */
  private async offerModel(): Promise<void> {
    const { name, checkpoint, config } = this.model;
    const key = modelKey(name);
    if ((await this.redis.expire(key, KEPT_SECONDS)) === 1) return;
    const content = { checkpoint: Buffer.from(checkpoint), config };
    await this.redis.multi().hset(key, content).expire(key, KEPT_SECONDS).exec();
  }

  private fail(error: unknown): void {
    if (this.closed || this.failure !== undefined) return;
    this.failure = { error };
    for (const { reject } of this.files.values()) reject(error);
  }
}

const keyOf = ({ path, state }: QueuedFile): string => `${path}\0${state}`;

/** A file without an answer. */
const setAside = (reason: string): RemoteAnswer => {
  const stalled = /stalled/.test(reason);
  const told = stalled ? 'each was gone before it answered' : reason;
  return {
    stored: {
      error: {
        code: stalled ? ErrorCode.AudioDamaged : ErrorCode.FileUnreadable,
        message: `\0 was given to ${TRIES} workers in turn (${told}) and set aside: look at it on one machine with "deepfake-audio predict".`,
      },
    },
    lasting: false,
  };
};
