import { createHash } from 'node:crypto';
import { mkdir, open as openFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from 'lmdb';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import { userCacheFolder } from '../paths.ts';
import { isSound, noteClosed } from './storeCheck.ts';
import { openDatabases, type StoreDatabases } from './storeDatabases.ts';
import type { StoredResult } from './storedResult.ts';

/** What a file's result belongs to. */
export interface ResultKey {
  /** SHA-256 of the file, hexadecimal. */
  contentHash: string;
  /** Hash of model and settings, hexadecimal. */
  profile: string;
}

export interface PruneOptions {
  /** Whether the file at this path, or the URL, is no more. */
  isGone(path: string): Promise<boolean>;
  /** What results belong to that stay; absent: whatever they belong to. */
  profiles?: string[];
  dryRun?: boolean;
}
/** How many files and results have been let go, and how many results stay. */
export interface Pruned {
  files: number;
  results: number;
  kept: number;
}

/** Digits of a SHA-256 in hexadecimal. */
const HASH_DIGITS = 64;
/** Entries that are looked at together when a store is pruned. */
const ENTRIES_PER_PAGE = 256;
/** Milliseconds that LMDB's reason for a failure may be late. */
const REASON_LIMIT_MS = 1000;

export const defaultStorePath = join(userCacheFolder, 'results.mdb');

/**
 * Results that outlive the process, in an LMDB file: content hash, model and settings → result; path → state and content
 * hash. Several processes may read and write it at once; what was written survives a killed process. A path's key is its hash;
 * what it reads is kept apart, and not by versions that could not prune.
 */
export class ResultStore {
  private constructor(
    readonly path: string,
    private readonly databases: StoreDatabases,
    private readonly warn: ((message: string) => void) | undefined,
  ) {}
  /** Nothing more is kept once something could not be. */
  private failed = false;

  /** Creates file and folder where needed; `warn` is told when a damaged file had to make way. Throws StoreUnusable. */
  static async open(path = defaultStorePath, warn?: (message: string) => void): Promise<ResultStore> {
    try {
      await mkdir(dirname(path), { recursive: true });
      if (!(await isWholeStore(path)) || !(await isSound(path))) {
        const aside = await setAside(path);
        warn?.(
          `The results of earlier scans in ${path} were damaged and are now in ${aside}: files are analysed anew.`,
        );
      }
      const databases = openDatabases(path, await loadLmdb());
      // A killed process leaves its place in the table of readers behind, which would keep old pages in use.
      databases.root.readerCheck();
      return new ResultStore(path, databases, warn);
    } catch (cause) {
      throw unusable(path, cause);
    }
  }

  /** The content hash of a file that has not changed since it was hashed; `state` is what tells. */
  contentHash(path: string, state: string): string | undefined {
    const last = this.lastState(path);
    return last?.state === state ? last.contentHash : undefined;
  }

  /** The last state and content hash of a path, whatever it is now. */
  lastState(path: string): { state: string; contentHash: string } | undefined {
    const entry = this.databases.files.get(pathKey(path));
    if (entry === undefined) return undefined;
    return { state: entry.slice(0, entry.lastIndexOf(' ')), contentHash: contentHashOf(entry) };
  }

  result({ contentHash, profile }: ResultKey): StoredResult | undefined {
    const entry = this.databases.results.get(Buffer.from(contentHash + profile, 'hex'));
    return entry === undefined ? undefined : (JSON.parse(entry) as StoredResult);
  }

  /** Resolves when the hash is written. */
  async putContentHash(path: string, state: string, contentHash: string): Promise<void> {
    const key = pathKey(path);
    await this.write(async () => {
      await Promise.all([
        this.databases.files.put(key, `${state} ${contentHash}`),
        this.databases.paths.put(key, path),
      ]);
    });
  }

  /** Resolves when the result is written. */
  async putResult({ contentHash, profile }: ResultKey, result: StoredResult): Promise<void> {
    await this.write(async () => {
      await this.databases.results.put(Buffer.from(contentHash + profile, 'hex'), JSON.stringify(result));
    });
  }

  /** A scan goes on where its results cannot be kept any more, on a full disk for instance, once somebody has been told. */
  private async write(put: () => Promise<void>): Promise<void> {
    if (this.failed) return;
    try {
      await put();
    } catch (error) {
      const cause = await reasonOf(error);
      const isFirst = !this.failed;
      this.failed = true;
      if (this.warn === undefined) throw unusable(this.path, cause);
      if (isFirst) this.warn(notKept(this.path, cause));
    }
  }

  /**
   * Lets go of files for which `isGone` holds and of the results that no file has any more; with `profiles`, also of those that
   * belong to none of them. A `dryRun` only counts. Files whose path is not known stay. Throws StoreUnusable.
   */
  async prune({ isGone, profiles, dryRun = false }: PruneOptions): Promise<Pruned> {
    const pruned: Pruned = { files: 0, results: 0, kept: 0 };
    const needed = new Set<string>();
    const remove = async (entries: { database: Database<string, Buffer>; key: Buffer }[]) => {
      if (!dryRun) await Promise.all(entries.map(({ database, key }) => database.remove(key)));
    };
    try {
      for (const entries of pages(this.databases.files)) {
        const gone = await Promise.all(
          entries.map(async ({ key, value }) => {
            const path = this.databases.paths.get(key);
            if (path !== undefined && (await isGone(path))) return [key];
            needed.add(contentHashOf(value));
            return [];
          }),
        );
        const keys = gone.flat();
        pruned.files += keys.length;
        await remove(
          keys.flatMap((key) =>
            [this.databases.files, this.databases.paths].map((database) => ({ database, key })),
          ),
        );
      }
      for (const entries of pages(this.databases.results)) {
        const unneeded = entries.filter(({ key }) => {
          const hex = key.toString('hex');
          const profile = hex.slice(HASH_DIGITS);
          return !needed.has(hex.slice(0, HASH_DIGITS)) || (profiles && !profiles.includes(profile));
        });
        pruned.results += unneeded.length;
        pruned.kept += entries.length - unneeded.length;
        await remove(unneeded.map(({ key }) => ({ database: this.databases.results, key })));
      }
      return pruned;
    } catch (error) {
      throw unusable(this.path, await reasonOf(error));
    }
  }

  /** Number of results kept, for all models. */
  get size(): number {
    return (this.databases.results.getStats() as { entryCount: number }).entryCount;
  }

  async close(): Promise<void> {
    if (this.failed) {
      // LMDB would wait for ever for what it could not write.
      void this.databases.root.close().catch(() => {});
      return;
    }
    await this.databases.root.flushed;
    await this.databases.root.close();
    await noteClosed(this.path);
  }
}

/** Its own message names folders and packages over several lines. */
async function loadLmdb(): Promise<typeof import('lmdb')> {
  try {
    return await import('lmdb');
  } catch (cause) {
    const place = `${process.platform} ${process.arch}`;
    throw new Error(`LMDB's native library does not load on this ${place}`, { cause });
  }
}

/** What is kept of a file: its state, a space, its content hash. */
const contentHashOf = (entry: string): string => entry.slice(entry.lastIndexOf(' ') + 1);

/** A database's entries, some at a time, so that nothing is being read while something is written. */
function* pages(database: Database<string, Buffer>): Generator<{ key: Buffer; value: string }[]> {
  let start: Buffer | undefined;
  for (;;) {
    const range = database.getRange({ start, exclusiveStart: start !== undefined, limit: ENTRIES_PER_PAGE });
    // The key's buffer is LMDB's own until the next is read.
    const entries = Array.from(range.map(({ key, value }) => ({ key: Buffer.from(key), value })));
    if (entries.length === 0) return;
    yield entries;
    start = entries[entries.length - 1].key;
  }
}

/** LMDB's keys are shorter than paths may be. */
const pathKey = (path: string): Buffer => createHash('sha256').update(path).digest();

/**
 * The store that a scan asks for: a file, false for none, undefined for the usual place. The usual place may be out of
 * order, and a scan must go on without it; `warn` is told, as it is when damaged results were set aside. Throws StoreUnusable where a file was named.
 */
export async function openStore(
  where: string | false | undefined,
  warn: (message: string) => void,
): Promise<ResultStore | undefined> {
  if (where === false) return undefined;
  if (where !== undefined) return ResultStore.open(where, warn);
  try {
    return await ResultStore.open(defaultStorePath, warn);
  } catch (error) {
    warn(messageOf(error));
    return undefined;
  }
}

/**
 * LMDB's first two pages each hold, after a header, a description of the file, of which the one with the later transaction
 * counts: offsets in the page (MDB_page_header and MDB_meta of lmdb.js's mdb.c on 64-bit machines).
 */
const DESCRIPTION = { magic: 24, pageSize: 48, lastPage: 144, transaction: 152, bytes: 160 };
const MAGIC = 0xbeefc0de;

/**
 * LMDB maps whatever it is given into memory, and a file of another kind or one that was cut off would end the process. Throws
 * RangeError for the former; gives false for the latter.
 */
export async function isWholeStore(path: string): Promise<boolean> {
  const file = await openFile(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return true;
  try {
    const describe = async (position: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(DESCRIPTION.bytes), 0, undefined, position);
      return buffer.subarray(0, bytesRead);
    };
    const first = await describe(0);
    if (first.length === 0) return true;
    if (first.length < DESCRIPTION.magic + 4 || first.readUInt32LE(DESCRIPTION.magic) !== MAGIC)
      throw new RangeError('the file is something else');
    if (first.length < DESCRIPTION.bytes) return false;
    const pageSize = first.readUInt32LE(DESCRIPTION.pageSize);
    const second = await describe(pageSize);
    if (second.length < DESCRIPTION.bytes) return false;
    const transactionOf = (page: Buffer) => page.readBigUInt64LE(DESCRIPTION.transaction);
    const latest = transactionOf(first) > transactionOf(second) ? first : second;
    const pages = Number(latest.readBigUInt64LE(DESCRIPTION.lastPage)) + 1;
    // Asked for last: another process may be adding to the file.
    return (await file.stat()).size >= pages * pageSize;
  } finally {
    await file.close();
  }
}

/** Gives a damaged store another name, so that a new one can be made. */
async function setAside(path: string): Promise<string> {
  const aside = `${path}.damaged`;
  await rename(path, aside);
  for (const beside of ['-lock', '-closed']) await rm(path + beside, { force: true });
  return aside;
}

/** LMDB's own error says only that there is a reason, which follows. */
function reasonOf(error: unknown): unknown {
  const { commitError } = error as { commitError?: Promise<never> };
  if (commitError === undefined) return error;
  const reason = commitError.catch((cause: Error) => {
    if (cause.message.includes('No space left')) return new Error('the disk is full');
    // What LMDB calls a write of which only a part found room.
    if (cause.message.includes('Input/output error')) return new Error('the disk is full or damaged');
    return cause;
  });
  return Promise.race([reason, delay(REASON_LIMIT_MS, error)]);
}

const notKept = (path: string, cause: unknown): string =>
  `The results of this scan are not kept any more in ${path} (${messageOf(cause)}): make room, and the next scan analyses only what is missing.`;

function unusable(path: string, cause: unknown): DeepfakeError {
  const message = `The results of scans cannot be kept in ${path} (${messageOf(cause)}): name another file with --store, or use --no-store.`;
  return new DeepfakeError(ErrorCode.StoreUnusable, message, path, { cause });
}
