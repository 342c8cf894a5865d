import { readSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';

const CHUNK_BYTES = 64 * 1024;
/** Headers lie here, and reading them field by field from the file would take longer than decoding a short clip. */
const HEAD_BYTES = 16 * 1024;

/** A regular, non-empty file open for reading. */
export class AudioFile {
  #head: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  private constructor(
    readonly path: string,
    readonly size: number,
    private readonly handle: FileHandle,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Errors: FileNotFound, FileUnreadable, FileEmpty. Once `signal` aborts, every read throws Cancelled. */
  static async open(path: string, signal?: AbortSignal): Promise<AudioFile> {
    try {
      const facts = await stat(path);
      if (facts.isDirectory()) {
        throw new DeepfakeError(
          ErrorCode.FileUnreadable,
          `${path} is a folder, not an audio file: name the files in it.`,
          path,
        );
      }
      if (!facts.isFile()) {
        throw new DeepfakeError(
          ErrorCode.FileUnreadable,
          `${path} is not a regular file: save the sound to a file first.`,
          path,
        );
      }
      if (facts.size === 0) {
        throw new DeepfakeError(
          ErrorCode.FileEmpty,
          `${path} is empty (0 bytes): record or copy the file again.`,
          path,
        );
      }
      const file = new AudioFile(path, facts.size, await open(path, 'r'), signal);
      try {
        const head = new Uint8Array(Math.min(HEAD_BYTES, facts.size));
        file.#head = head.subarray(0, await file.readInto(head, 0));
        return file;
      } catch (error) {
        await file.close();
        throw error;
      }
    } catch (error) {
      throw explained(error, path);
    }
  }

  /** The bytes from `offset`, fewer than `length` only at the end of the file. */
  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (offset + length <= this.#head.length) {
      return this.#head.slice(offset, offset + length);
    }
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    return bytes.subarray(0, await this.readInto(bytes, offset));
  }

  /** Fills `target` with the bytes from `offset`. Returns how many there were. */
  async readInto(target: Uint8Array, offset: number): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      this.#requireGoingOn();
      const { bytesRead } = await this.handle
        .read(target, filled, target.length - filled, offset + filled)
        .catch((error: unknown) => {
          throw explained(error, this.path);
        });
      if (bytesRead === 0) {
        break;
      }
      filled += bytesRead;
    }
    return filled;
  }

  /** As readInto, for decoders that cannot wait. */
  readNow(target: Uint8Array, offset: number): number {
    return readSync(this.handle.fd, target, 0, target.length, offset);
  }

  /** Lets other work run between two pieces of a synchronous decoder. */
  async pause(): Promise<void> {
    await setImmediate();
    this.#requireGoingOn();
  }

  #requireGoingOn(): void {
    if (this.signal?.aborted) {
      throw new DeepfakeError(
        ErrorCode.Cancelled,
        `${this.path} was not read: the request was cancelled.`,
        this.path,
      );
    }
  }

  /** The whole file from `offset` on, piece by piece; `cut` may shorten each, to one byte at least. */
  async *chunks(
    offset = 0,
    cut = (chunk: Uint8Array, _isLast: boolean): number => chunk.length,
  ): AsyncGenerator<Uint8Array> {
    for (let at = offset; at < this.size; ) {
      const chunk = await this.read(at, CHUNK_BYTES);
      if (chunk.length === 0) {
        return;
      }
      const length = cut(chunk, at + chunk.length >= this.size);
      yield chunk.subarray(0, length);
      at += length;
    }
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

function explained(error: unknown, path: string): unknown {
  if (error instanceof DeepfakeError) {
    return error;
  }
  const cause = { cause: error };
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENAMETOOLONG':
      return new DeepfakeError(
        ErrorCode.FileUnreadable,
        `${path} is a longer path than this system opens: move the file up a few folders or rename it.`,
        path,
        cause,
      );
    case 'ENOENT':
    case 'ENOTDIR':
      if (path.includes('\ufffd')) {
        return new DeepfakeError(
          ErrorCode.FileUnreadable,
          `${path} cannot be opened because its name is not UTF-8 text: rename it.`,
          path,
          cause,
        );
      }
      return new DeepfakeError(
        ErrorCode.FileNotFound,
        `${path} does not exist: check the path.`,
        path,
        cause,
      );
    case 'EACCES':
    case 'EPERM':
      return new DeepfakeError(
        ErrorCode.FileUnreadable,
        `${path} may not be read: give yourself read permission for it.`,
        path,
        cause,
      );
    default:
      return new DeepfakeError(
        ErrorCode.FileUnreadable,
        `${path} cannot be read (${messageOf(error)}): copy it to a local disk and try again.`,
        path,
        cause,
      );
  }
}
