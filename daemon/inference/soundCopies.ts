import type { FileHandle } from 'node:fs/promises';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import { BYTES_PER_SAMPLE, pcm16 } from '../audio/pcm16.ts';
import type { AnalysisPool } from '../features/analysisPool.ts';
import { readFileState, stateText } from '../features/contentHash.ts';
import { referenceFeatures } from '../features/featureConfig.ts';
import { openUnnamedFile } from '../files.ts';

/** Copies kept at once; one of two hours takes 230 MB of disk. */
const MOST_COPIES = 2;

/**
 * Sound for players, mono at 16 kHz. A file that can only be decoded from its beginning is decoded once, into a temporary file
 * without a name, from which every further slice is read; it is gone with the process.
 */
export class SoundCopies {
  /** By path, in the order of their use. */
  private readonly copies = new Map<string, SoundCopy>();

  constructor(private readonly pool: AnalysisPool) {}

  /**
   * Up to `length` seconds from `start` on as 16-bit samples: less where the file ends, nothing where it ends before.
   * Throws the errors of `loadAudio`.
   */
  async slice(file: string, start: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    const copy = await this.copyOf(file);
    const { sampleRate } = referenceFeatures;
    const copied = await copy?.read(start * sampleRate, length * sampleRate, signal);
    if (copied !== undefined) return copied;
    const part = { startSeconds: start, maxSeconds: length };
    return pcm16(await this.pool.samples(file, referenceFeatures, part, signal));
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.copies.values()].map((copy) => copy.dispose()));
    this.copies.clear();
  }

  /** Undefined where the file cannot be looked at; the attempt to read it says why. */
  private async copyOf(file: string): Promise<SoundCopy | undefined> {
    const state = await readFileState(file).then(stateText, () => undefined);
    if (state === undefined) return undefined;
    let copy = this.copies.get(file);
    this.copies.delete(file);
    if (copy?.state !== state) {
      void copy?.dispose();
      copy = new SoundCopy(this.pool, file, state);
    }
    this.copies.set(file, copy);
    for (const [oldest, held] of this.copies) {
      if (this.copies.size <= MOST_COPIES) break;
      this.copies.delete(oldest);
      void held.dispose();
    }
    return copy;
  }
}

/** The sound of one file, which a worker writes while it is read. */
class SoundCopy {
  private readonly abort = new AbortController();
  private readonly writing: Promise<FileHandle | undefined>;
  private handle: FileHandle | undefined;
  /** Samples written. */
  private length = 0;
  private finished = false;
  private wake: (() => void)[] = [];

  constructor(
    pool: AnalysisPool,
    private readonly file: string,
    readonly state: string,
  ) {
    this.writing = this.write(pool);
  }

  /** Undefined where there is no copy: the file can be read from its middle, or it could not be made. */
  async read(start: number, length: number, signal?: AbortSignal): Promise<Buffer | undefined> {
    while (!this.finished && this.length < start + length && !signal?.aborted) await this.more(signal);
    if (signal?.aborted)
      throw new DeepfakeError(ErrorCode.Cancelled, `Reading ${this.file} was cancelled.`, this.file);
    if (this.handle === undefined || (this.finished && (await this.writing) === undefined)) return undefined;
    const samples = Math.max(0, Math.min(length, this.length - start));
    const pcm = Buffer.alloc(samples * BYTES_PER_SAMPLE);
    if (samples > 0) await this.handle.read(pcm, 0, pcm.length, start * BYTES_PER_SAMPLE);
    return pcm;
  }

  async dispose(): Promise<void> {
    this.abort.abort();
    await this.writing;
    await this.handle?.close();
    this.handle = undefined;
  }

  private async write(pool: AnalysisPool): Promise<FileHandle | undefined> {
    try {
      this.handle = await openUnnamedFile();
      const onLength = (samples: number) => {
        this.length = samples;
        this.tell();
      };
      const copied = await pool.copySound(
        this.file,
        referenceFeatures,
        this.handle.fd,
        onLength,
        this.abort.signal,
      );
      return copied ? this.handle : undefined;
    } catch {
      // The attempt to read it in the ordinary way says why.
      return undefined;
    } finally {
      this.finished = true;
      this.tell();
    }
  }

  private more(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      this.wake.push(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  private tell(): void {
    for (const wake of this.wake.splice(0)) wake();
  }
}
