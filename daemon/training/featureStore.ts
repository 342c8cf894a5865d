import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import { crc32 } from '../crc32.ts';
import { readFileState, stateText } from '../features/contentHash.ts';
import { openUnnamedFile } from '../files.ts';

/** A pack is two files: the values, and a line about each clip, written after its values. */
export const VALUES = '.f32';
export const INDEX = '.index';

/** Values of one array: where they lie, and what tells whether they are still the ones that were written. */
export interface Extent {
  pack: Pack;
  /** Bytes. */
  start: number;
  length: number;
  checksum: number;
}

/** What is stored of a clip. */
export interface StoredClip {
  parts: Extent[];
  /** Of a spectrum: its columns repeat. */
  periodic?: boolean;
}

/** A line of a pack's index: a file's content and what its clip is stored as, or only the former where another pack holds the clip. */
interface IndexLine {
  /** SHA-256 of the path. */
  path: string;
  state: string;
  /** SHA-256 of the file. */
  content: string;
  /** Start, length and checksum of each part. */
  parts?: [number, number, number][];
  periodic?: boolean;
}

/** What a store needs of the cache that it belongs to. */
export interface StoreFolder {
  path: string;
  /** Told of each pack before it is used. */
  onUse(pack: string): void;
  /** Deletes what is not used; false where there was nothing. */
  makeRoom(): boolean;
}

/**
 * Float arrays of a data set's clips on the disk, so that it need not fit into memory, and so that the next run finds them: by
 * the file's content, which its path, size and times stand for while they stay the same. Each process writes packs of its own
 * and reads everyone's. Without a folder the values are in a file that has no name and is gone with the process.
 */
export class FeatureStore {
  /** By hash of the path. */
  private files = new Map<string, { state: string; content: string }>();
  /** By hash of the content. */
  private clips = new Map<string, StoredClip>();
  private readonly packs: Pack[] = [];
  private own: Promise<WritablePack> | undefined;

  private constructor(private readonly folder: StoreFolder | undefined) {}

  /** Reads what the folder has of earlier runs. */
  static async open(folder?: StoreFolder): Promise<FeatureStore> {
    const store = new FeatureStore(folder);
    if (folder === undefined) return store;
    // What was written later counts: it took the place of something damaged.
    const names = (await readdir(folder.path).catch(() => [])).filter((name) => name.endsWith(INDEX)).sort();
    for (const name of names) await store.readIndex(join(folder.path, name.slice(0, -INDEX.length)), folder);
    return store;
  }

  private async readIndex(pack: string, folder: StoreFolder): Promise<void> {
    // Another process may have deleted it meanwhile.
    const text = await readFile(pack + INDEX, 'utf8').catch(() => '');
    const reader = new Pack(pack, () => folder.onUse(pack));
    this.packs.push(reader);
    for (const line of text.split('\n')) {
      const entry = parseLine(line);
      if (entry === undefined) continue;
      const { path, state, content, parts, periodic } = entry;
      this.files.set(path, { state, content });
      if (parts === undefined) continue;
      const extents = parts.map(([start, length, checksum]) => ({ pack: reader, start, length, checksum }));
      this.clips.set(content, { parts: extents, periodic });
    }
  }

  /**
   * What is stored of a file; where that is nothing, or damaged, what `compute` makes with the function that stores an array.
   * `hash` gives the SHA-256 of a file that is new here. Throws their errors, and WriteFailed.
   */
  async clip(
    path: string,
    hash: () => Promise<string>,
    compute: (append: (values: Float32Array) => Extent) => Promise<StoredClip>,
  ): Promise<StoredClip> {
    // A file that has no state cannot be read: the attempt says why.
    const state = this.folder && (await readFileState(path).catch(() => undefined));
    if (state === undefined) return compute(await this.append());
    const key = { path: createHash('sha256').update(path).digest('hex'), state: stateText(state) };
    const known = this.files.get(key.path);
    const content = known?.state === key.state ? known.content : await hash();
    const stored = this.clips.get(content);
    const found = stored !== undefined && (await isIntact(stored));
    const clip = found ? stored : await compute(await this.append());
    if (found && known?.state === key.state) return clip;
    // What was written to meanwhile is not what was hashed.
    const now = await readFileState(path).catch(() => undefined);
    if (now === undefined || stateText(now) !== key.state) return clip;
    this.files.set(key.path, { state: key.state, content });
    this.clips.set(content, clip);
    const parts = clip.parts.map(({ start, length, checksum }): [number, number, number] => [
      start,
      length,
      checksum,
    ]);
    const line = { ...key, content, ...(found ? {} : { parts, periodic: clip.periodic }) };
    (await this.writable()).addLine(line);
    return clip;
  }

  /** Frees the memory for looking up files; what was found can still be read. */
  forgetFiles(): void {
    this.files = new Map();
    this.clips = new Map();
  }

  private async append(): Promise<(values: Float32Array) => Extent> {
    const pack = await this.writable();
    return (values) => pack.append(values);
  }

  private writable(): Promise<WritablePack> {
    this.own ??= this.folder === undefined ? WritablePack.unnamed() : WritablePack.create(this.folder);
    return this.own;
  }

  /** Waits for what is being read. */
  async dispose(): Promise<void> {
    const own = await this.own?.catch(() => undefined);
    await own?.close();
    for (const pack of this.packs) await pack.close();
  }
}

/** Reads an array. Throws StoreUnusable where it is not what was written. */
export async function readValues(extent: Extent, target: Float32Array): Promise<void> {
  const bytes = Buffer.from(target.buffer, target.byteOffset, target.byteLength);
  if (await extent.pack.read(extent, bytes)) return;
  const { path } = extent.pack;
  const message = `The kept features in ${path}${VALUES} have changed while they were used: start again, and what is damaged will be computed anew.`;
  throw new DeepfakeError(ErrorCode.StoreUnusable, message, path + VALUES);
}

async function isIntact({ parts }: StoredClip): Promise<boolean> {
  for (const extent of parts) {
    const bytes = Buffer.allocUnsafe(extent.length);
    if (!(await extent.pack.read(extent, bytes).catch(() => false))) return false;
  }
  return true;
}

/** A pack that is read. */
class Pack {
  private opened: Promise<FileHandle> | undefined;

  constructor(
    /** Without extension. */
    readonly path: string,
    private readonly onUse: () => void,
  ) {}

  /** Fills `bytes`; false where they are not what was written. Throws what the file system throws. */
  async read({ start, checksum }: Extent, bytes: Uint8Array): Promise<boolean> {
    this.opened ??= this.open();
    const file = await this.opened;
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
      if (bytesRead === 0) return false;
      filled += bytesRead;
    }
    return crc32(bytes) === checksum;
  }

  protected async open(): Promise<FileHandle> {
    this.onUse();
    // When the pack was last used decides which one has to go when there are too many.
    const now = new Date();
    await utimes(this.path + INDEX, now, now).catch(() => {});
    return open(this.path + VALUES, 'r');
  }

  async close(): Promise<void> {
    const file = await this.opened?.catch(() => undefined);
    await file?.close();
  }
}

/** A pack that this process writes. */
class WritablePack extends Pack {
  private end = 0;

  private constructor(
    path: string,
    private readonly values: FileHandle,
    /** File descriptor; absent where nothing is to be found again. */
    private readonly index: number | undefined,
    private readonly makeRoom: () => boolean,
  ) {
    super(path, () => {});
  }

  /** Names sort by the time of their making. */
  static async create({ path: folder, onUse, makeRoom }: StoreFolder): Promise<WritablePack> {
    const time = Date.now().toString(16).padStart(12, '0');
    const path = join(folder, `${time}-${randomBytes(4).toString('hex')}`);
    try {
      await mkdir(folder, { recursive: true });
      onUse(path);
      const values = await open(path + VALUES, 'wx+');
      return new WritablePack(path, values, openSync(path + INDEX, 'wx'), makeRoom);
    } catch (error) {
      throw writeFailed(path, error);
    }
  }

  static async unnamed(): Promise<WritablePack> {
    const path = join(tmpdir(), 'deepfake-audio');
    try {
      return new WritablePack(path, await openUnnamedFile(), undefined, () => false);
    } catch (error) {
      throw writeFailed(path, error);
    }
  }

  protected override async open(): Promise<FileHandle> {
    return this.values;
  }

  /** Stores a copy. Throws WriteFailed. */
  append(values: Float32Array): Extent {
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    const extent = { pack: this, start: this.end, length: bytes.length, checksum: crc32(bytes) };
    this.write(this.values.fd, bytes, this.end);
    this.end += bytes.length;
    return extent;
  }

  addLine(line: IndexLine): void {
    if (this.index !== undefined) this.write(this.index, Buffer.from(formatLine(line)), null);
  }

  /** `position` null: at the end. */
  private write(file: number, bytes: Buffer, position: number | null): void {
    for (let written = 0; written < bytes.length; ) {
      const at = position === null ? null : position + written;
      try {
        written += writeSync(file, bytes, written, bytes.length - written, at);
      } catch (error) {
        if (!isDiskFull(error) || !this.makeRoom()) throw writeFailed(this.path, error);
      }
    }
  }

  override async close(): Promise<void> {
    if (this.index !== undefined) closeSync(this.index);
    await this.values.close();
  }
}

function formatLine(line: IndexLine): string {
  const text = JSON.stringify(line);
  return `${crc32(Buffer.from(text)).toString(16).padStart(8, '0')} ${text}\n`;
}

/** Undefined for a line that is not what was written, such as one that a killed process left half done. */
function parseLine(line: string): IndexLine | undefined {
  const text = line.slice(9);
  if (text === '' || crc32(Buffer.from(text)) !== Number.parseInt(line.slice(0, 8), 16)) return undefined;
  return JSON.parse(text);
}

const isDiskFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');

function writeFailed(path: string, error: unknown): DeepfakeError {
  const reason = isDiskFull(error) ? 'the disk is full' : messageOf(error);
  const message = `The features of the clips could not be written to ${path}${VALUES} (${reason}): make room there, or name a folder on another disk with --feature-cache.`;
  return new DeepfakeError(ErrorCode.WriteFailed, message, path + VALUES, { cause: error });
}
