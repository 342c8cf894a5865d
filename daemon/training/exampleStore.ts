import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Float arrays of any length in one temporary file, so that a data set need not fit in memory. */
export class ExampleStore {
  private readonly offsets: number[] = [0];

  private constructor(
    private readonly folder: string,
    readonly path: string,
    private readonly file: number,
  ) {}

  static async create(): Promise<ExampleStore> {
    const folder = await mkdtemp(join(tmpdir(), 'deepfake-audio-'));
    const path = join(folder, 'examples.f32');
    return new ExampleStore(folder, path, openSync(path, 'w+'));
  }

  get count(): number {
    return this.offsets.length - 1;
  }

  /** Stores a copy and returns its index. */
  append(values: Float32Array): number {
    const start = this.offsets[this.count];
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    for (let written = 0; written < bytes.length; ) {
      written += writeSync(this.file, bytes, written, bytes.length - written, start + written);
    }
    this.offsets.push(start + bytes.length);
    return this.count - 1;
  }

  /** Where entry `index` lies in the file, in bytes. */
  extent(index: number): { start: number; length: number } {
    return { start: this.offsets[index], length: this.offsets[index + 1] - this.offsets[index] };
  }

  /** Reads entry `index` into `target` from element `at` on. */
  read(index: number, target: Float32Array, at: number): void {
    const { start, length } = this.extent(index);
    readSync(this.file, Buffer.from(target.buffer, target.byteOffset + at * 4, length), 0, length, start);
  }

  dispose(): void {
    closeSync(this.file);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
