import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import pLimit, { type LimitFunction } from 'p-limit';
import workerpool from 'workerpool';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import { distFile } from '../paths.ts';
import { endProcessGroup } from '../runningProcess.ts';
import {
  type AnalysisRequest,
  type AnalysisSummary,
  type CopiedSoFar,
  type ProcessSign,
  type SoundSoFar,
  type SpectraOptions,
  STARTED,
  type WindowGroup,
  type WorkerSign,
} from './analysis.ts';
import type { AnalysisMethods, WorkerAnswer } from './analysisWorker.ts';
import type { Spectrum } from './clipSpectrum.ts';
import type { FeatureConfig } from './featureConfig.ts';

/** What one file may take before it is given up, in seconds. */
export interface FileLimits {
  /** Without anything new; default 120. */
  stall: number;
  /** In all; default 3600: four hours of sound take minutes. */
  total: number;
}
const LIMITS: FileLimits = { stall: 120, total: 3600 };
/** JavaScript heap of one worker; sound itself lies outside it. */
const WORKER_HEAP_MB = 512;

export interface AnalysisPoolOptions {
  /** Worker threads; default: one per core. */
  workers?: number;
  /** The user's ffmpeg, for formats that nothing in-process decodes. */
  ffmpegPath?: string;
  limits?: Partial<FileLimits>;
}

/** Files handed to a worker ahead of need, so that it never waits; the rest queue here, because workerpool recurses over its queue. */
const TASKS_PER_WORKER = 2;

/** Worker threads that turn files into samples and features. A hanging or dying decoder costs a worker, not the process. */
export class AnalysisPool {
  readonly workers: number;
  private readonly pool: workerpool.Pool;
  private readonly limit: LimitFunction;
  private readonly limits: FileLimits;

  constructor(private readonly options: AnalysisPoolOptions = {}) {
    this.limits = { ...LIMITS, ...options.limits };
    this.workers = options.workers ?? availableParallelism();
    this.limit = pLimit(TASKS_PER_WORKER * this.workers);
    this.pool = workerpool.pool(distFile('analysisWorker.js'), {
      workerType: 'thread',
      maxWorkers: this.workers,
      workerThreadOpts: { resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB } },
    });
  }

  /** Starts a worker before there is something for it to do, and gets it ready for these features. */
  warmUp(config: FeatureConfig): void {
    // Whatever is wrong with workers is told by the first that has something to do.
    this.pool.exec('warmUp', [config]).catch(() => {});
  }

  /**
   * Hands a file's windows to `onWindows`, group by group in order, and to `onSound` how far it is, where the request asks for
   * that. Throws the DeepfakeErrors of `loadAudio`, or Cancelled.
   */
  analyze(
    request: Omit<AnalysisRequest, 'ffmpegPath'>,
    onWindows: (group: WindowGroup) => void,
    signal?: AbortSignal,
    onSound?: (soFar: SoundSoFar) => void,
  ): Promise<AnalysisSummary> {
    const parameters = [{ ...request, ffmpegPath: this.options.ffmpegPath }];
    const receive = (sign: WindowGroup | SoundSoFar) =>
      'starts' in sign ? onWindows(sign) : onSound?.(sign);
    return this.run<AnalysisSummary, WindowGroup | SoundSoFar>(
      'analyze',
      parameters,
      request.path,
      signal,
      receive,
    );
  }

  /** A file's mono samples at the features' sample rate: all, or at most `maxSeconds` from `startSeconds` on. */
  samples(
    path: string,
    config: FeatureConfig,
    part: { startSeconds?: number; maxSeconds?: number } = {},
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const parameters = [path, config, { ...part, ffmpegPath: this.options.ffmpegPath }];
    return this.run('samples', parameters, path, signal);
  }

  /**
   * Writes a file's mono samples at the features' rate into an open file, as 16-bit integers; `onLength` is told how many there
   * are. False, and nothing written, where `samples` can begin in the middle.
   */
  copySound(
    path: string,
    config: FeatureConfig,
    target: number,
    onLength: (samples: number) => void,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const parameters = [path, config, target, this.options.ffmpegPath];
    const receive = ({ samples }: CopiedSoFar) => onLength(samples);
    return this.run<boolean, CopiedSoFar>('copySound', parameters, path, signal, receive);
  }

  /** The spectra that augmented views of a file are taken from: its own first, then those after codecs. */
  spectra(
    path: string,
    config: FeatureConfig,
    options: SpectraOptions,
    signal?: AbortSignal,
  ): Promise<Spectrum[]> {
    const parameters = [path, config, options, this.options.ffmpegPath];
    return this.run('spectra', parameters, path, signal);
  }

  /** SHA-256 of a file's content, hexadecimal. */
  contentHash(path: string, signal?: AbortSignal): Promise<string> {
    return this.run('contentHash', [path], path, signal);
  }

  /**
   * Runs `work`, which has a file analysed, on every item: enough at once to keep all workers busy, begun in order. After the
   * first error nothing more is begun, and it is thrown when what is under way has ended.
   */
  async forEach<T>(
    items: readonly T[],
    work: (item: T, index: number) => Promise<void>,
    onProgress?: (done: number, total: number) => void,
  ): Promise<void> {
    let next = 0;
    let done = 0;
    const failures: unknown[] = [];
    const lane = async () => {
      while (next < items.length && failures.length === 0) {
        const index = next++;
        try {
          await work(items[index], index);
          onProgress?.(++done, items.length);
        } catch (error) {
          failures.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: TASKS_PER_WORKER * this.workers }, lane));
    if (failures.length > 0) throw failures[0];
  }

  async dispose(): Promise<void> {
    await this.pool.terminate(true);
  }

  /** Has a worker do this when one is free. What is cancelled before is answered at once. */
  private async run<T, S extends object = never>(
    method: keyof AnalysisMethods,
    parameters: unknown[],
    path: string,
    signal: AbortSignal | undefined,
    on?: (payload: S) => void,
  ): Promise<T> {
    if (signal?.aborted) throw cancelled(path);
    let cancel = () => {};
    const cancellation = new Promise<never>((_, reject) => {
      cancel = () => reject(cancelled(path));
    });
    // Each file that waits or runs listens to its request's signal.
    if (signal !== undefined) setMaxListeners(0, signal);
    signal?.addEventListener('abort', cancel, { once: true });
    const turn = this.limit(async () => {
      signal?.removeEventListener('abort', cancel);
      return this.runNow<T, S>(method, parameters, path, signal, on);
    });
    return Promise.race([turn, cancellation]);
  }

  private async runNow<T, S extends object>(
    method: keyof AnalysisMethods,
    parameters: unknown[],
    path: string,
    signal: AbortSignal | undefined,
    on: ((payload: S) => void) | undefined,
  ): Promise<T> {
    if (signal?.aborted) throw cancelled(path);
    const { stall, total } = this.limits;
    let givenUp: string | undefined;
    let ended = false;
    let stallTimer: NodeJS.Timeout | undefined;
    let totalTimer: NodeJS.Timeout | undefined;
    const children = new Set<number>();
    const cancel = () => {
      void task.cancel();
      for (const child of children) endProcessGroup(child);
    };
    const giveUp = (reason: string) => {
      givenUp = reason;
      cancel();
    };
    const watch = () => {
      clearTimeout(stallTimer);
      stallTimer = setTimeout(giveUp, 1000 * stall, `its decoder brought nothing new for ${stall} s`);
      totalTimer ??= setTimeout(giveUp, 1000 * total, `it took longer than ${total} s`);
    };
    const task = this.pool.exec(method, parameters, {
      on: (sign: WorkerSign) => {
        // A cancelled worker may have said something before it was stopped.
        if (isProcess(sign)) {
          if (!sign.running) children.delete(sign.process);
          else if (ended || givenUp !== undefined || signal?.aborted) endProcessGroup(sign.process);
          else children.add(sign.process);
        }
        if (ended) return;
        watch();
        if (sign !== STARTED && !isProcess(sign)) on?.(sign as S);
      },
    });
    signal?.addEventListener('abort', cancel, { once: true });
    let reply: WorkerAnswer<T>;
    try {
      reply = (await task) as WorkerAnswer<T>;
    } catch (error) {
      if (signal?.aborted) throw cancelled(path);
      const reason = givenUp ?? brokenDown(error);
      const message = `${path} could not be analysed: ${reason}. Convert it to WAV or FLAC and try again.`;
      throw new DeepfakeError(ErrorCode.AudioDamaged, message, path, { cause: error });
    } finally {
      ended = true;
      clearTimeout(stallTimer);
      clearTimeout(totalTimer);
      signal?.removeEventListener('abort', cancel);
    }
    if ('error' in reply) throw new DeepfakeError(reply.error.code, reply.error.message, reply.error.file);
    return reply.value;
  }
}

const cancelled = (path: string): DeepfakeError =>
  new DeepfakeError(ErrorCode.Cancelled, `Reading ${path} was cancelled.`, path);

const isProcess = (sign: WorkerSign): sign is ProcessSign => typeof sign === 'object' && 'process' in sign;

const brokenDown = (error: unknown): string =>
  (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY' || /memory/i.test(messageOf(error))
    ? 'its decoder ran out of memory'
    : 'its decoder broke down on it';
