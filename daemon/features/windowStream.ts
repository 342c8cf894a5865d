import { type FeatureConfig, windowLength } from './featureConfig.ts';
import { extractWindow, rootMeanSquare, silenceLevel } from './windows.ts';

/** Resampling may end a file a few samples earlier than it promised: a window is complete when this many follow it. */
const MARGIN = 64;

/** A window of sound and how loud it is. */
export interface StreamedWindow {
  /** First sample. */
  start: number;
  samples: Float32Array;
  /** Samples of it that are the file's own: the rest fills it up. */
  length: number;
  /** Root mean square. */
  level: number;
}

/**
 * Cuts sound that comes in pieces into overlapping windows that cover all of it, the last one ending with it, and holds little
 * more than one window. What is silent is known only at the end, relative to the loudest window: windows that may turn out to
 * be silent are handed over, and those with a level below `silenceFloor` are to be left out afterwards.
 */
export class WindowStream {
  private readonly length: number;
  private readonly hop: number;
  private buffer: Float32Array;
  /** Position in the sound of the buffer's first sample, and the number of samples that have come. */
  private base = 0;
  private end = 0;
  private nextStart = 0;
  private loudest = 0;
  private first: StreamedWindow | undefined;

  constructor(
    private readonly config: FeatureConfig,
    overlap: number,
  ) {
    this.length = windowLength(config);
    this.hop = Math.max(1, Math.round(this.length * (1 - overlap)));
    this.buffer = new Float32Array(4 * this.length);
  }

  push(samples: Float32Array): void {
    const held = this.end - this.base;
    if (held + samples.length > this.buffer.length) this.makeRoom(samples.length);
    this.buffer.set(samples, this.end - this.base);
    this.end += samples.length;
  }

  /** Windows that are complete and not silent so far. They share memory with what is pushed next. */
  *take(): Generator<StreamedWindow> {
    while (this.nextStart + this.length + MARGIN < this.end) {
      const window = this.audible(this.nextStart, this.end);
      this.nextStart += this.hop;
      if (window !== undefined) yield window;
    }
  }

  /** The windows that are left when the sound is `total` samples long; the first one of all where every one is silent. */
  *finish(total: number): Generator<StreamedWindow> {
    if (total > this.end) this.push(new Float32Array(total - this.end));
    for (; this.nextStart + this.length < total; this.nextStart += this.hop) {
      const window = this.audible(this.nextStart, total);
      if (window !== undefined) yield window;
    }
    const last = this.audible(Math.max(0, total - this.length), total);
    if (last !== undefined) yield last;
    if (this.silent && this.first !== undefined) yield this.first;
  }

  /** Windows quieter than this are silent; known when all have been taken. */
  get silenceFloor(): number {
    return this.silent ? 0 : silenceLevel(this.loudest);
  }

  /** Whether every window is silent. */
  get silent(): boolean {
    return this.loudest < silenceLevel(this.loudest);
  }

  private audible(start: number, end: number): StreamedWindow | undefined {
    const sound = this.buffer.subarray(start - this.base, Math.min(start + this.length, end) - this.base);
    const level = rootMeanSquare(sound);
    this.loudest = Math.max(this.loudest, level);
    const window = { start, samples: extractWindow(sound, 0, this.config), length: sound.length, level };
    this.first ??= { ...window, samples: window.samples.slice() };
    return level < silenceLevel(this.loudest) ? undefined : window;
  }

  /** Drops what no window needs any more; the last one begins at most a window and the margin before the end. */
  private makeRoom(count: number): void {
    const needed = Math.max(this.base, Math.min(this.nextStart, this.end - this.length - MARGIN));
    const kept = this.buffer.subarray(needed - this.base, this.end - this.base);
    const size = Math.max(this.buffer.length, kept.length + count);
    const target = size > this.buffer.length ? new Float32Array(2 * size) : this.buffer;
    // Within one buffer this moves the samples to its front.
    target.set(kept);
    this.buffer = target;
    this.base = needed;
  }
}
