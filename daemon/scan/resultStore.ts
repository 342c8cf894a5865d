import { createHash } from 'node:crypto';
import { mkdir, open as openFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Database, RootDatabase } from 'lmdb';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import type { Verdict } from '../../shared/verdict.ts';
import { type FileState, stateText } from '../features/contentHash.ts';
import { userCacheFolder } from '../paths.ts';

/** What is kept of a file's answer; path and model are what it was asked by. */
export type StoredResult =
  | { verdict: Omit<Verdict, 'file' | 'model' | 'spectrogram' | 'evidence'> }
  | { error: { code: ErrorCode; message: string } };

/** What a file's result belongs to. */
export interface ResultKey {
  /** SHA-256 of the file, hexadecimal. */
  contentHash: string;
  /** Hash of model and settings, hexadecimal. */
  profile: string;
}

export const defaultStorePath = join(userCacheFolder, 'results.mdb');

/**
 * Results that outlive the process, in an LMDB file: content hash, model and settings → result; path → state and content
 * hash. Several processes may read and write it at once; what was written survives a killed process.
 */
export class ResultStore {
  private constructor(
    readonly path: string,
    private readonly root: RootDatabase,
    private readonly files: Database<string, Buffer>,
    private readonly results: Database<string, Buffer>,
  ) {}

  /** Creates file and folder where needed. Throws StoreUnusable. */
  static async open(path = defaultStorePath): Promise<ResultStore> {
    try {
      await mkdir(dirname(path), { recursive: true });
      await requireStore(path);
      const { open } = await import('lmdb');
      const root = open({ path, noSubdir: true, maxDbs: 4 });
      const kept = { encoding: 'string', keyEncoding: 'binary' } as const;
      const files = root.openDB<string, Buffer>({ name: 'files', ...kept });
      const results = root.openDB<string, Buffer>({ name: 'results', ...kept });
      // A killed process leaves its place in the table of readers behind, which would keep old pages in use.
      root.readerCheck();
      return new ResultStore(path, root, files, results);
    } catch (cause) {
      throw unusable(path, cause);
    }
  }

  /** The content hash of a file that has not changed since it was hashed. */
  contentHash(path: string, state: FileState): string | undefined {
    const entry = this.files.get(pathKey(path));
    if (entry === undefined) return undefined;
    const space = entry.lastIndexOf(' ');
    return entry.slice(0, space) === stateText(state) ? entry.slice(space + 1) : undefined;
  }

  result({ contentHash, profile }: ResultKey): StoredResult | undefined {
    const entry = this.results.get(Buffer.from(contentHash + profile, 'hex'));
    return entry === undefined ? undefined : (JSON.parse(entry) as StoredResult);
  }

  /** Resolves when the hash is written. */
  async putContentHash(path: string, state: FileState, contentHash: string): Promise<void> {
    await this.write(this.files.put(pathKey(path), `${stateText(state)} ${contentHash}`));
  }

  /** Resolves when the result is written. */
  async putResult({ contentHash, profile }: ResultKey, result: StoredResult): Promise<void> {
    await this.write(this.results.put(Buffer.from(contentHash + profile, 'hex'), JSON.stringify(result)));
  }

  private async write(put: Promise<boolean>): Promise<void> {
    try {
      await put;
    } catch (cause) {
      throw unusable(this.path, cause);
    }
  }

  /** Number of results kept, for all models. */
  get size(): number {
    return (this.results.getStats() as { entryCount: number }).entryCount;
  }

  async close(): Promise<void> {
    await this.root.flushed;
    await this.root.close();
  }
}

/** LMDB's keys are shorter than paths may be. */
const pathKey = (path: string): Buffer => createHash('sha256').update(path).digest();

/**
 * The store that a scan asks for: a file, false for none, undefined for the usual place. The usual place may be out of
 * order, and a scan must go on without it (`warn` is told); throws StoreUnusable where a file was named.
 */
export async function openStore(
  where: string | false | undefined,
  warn: (message: string) => void,
): Promise<ResultStore | undefined> {
  if (where === false) return undefined;
  if (where !== undefined) return ResultStore.open(where);
  try {
    return await ResultStore.open();
  } catch (error) {
    warn(messageOf(error));
    return undefined;
  }
}

/** LMDB's first page: a header of 24 bytes, then this number. */
const MAGIC = { offset: 24, value: 0xbeefc0de };

/** LMDB maps whatever it is given into memory, and a file of another kind would end the process. */
async function requireStore(path: string): Promise<void> {
  const file = await openFile(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return;
  try {
    const head = Buffer.alloc(MAGIC.offset + 4);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    if (bytesRead > 0 && (bytesRead < head.length || head.readUInt32LE(MAGIC.offset) !== MAGIC.value)) {
      throw new RangeError('the file is something else');
    }
  } finally {
    await file.close();
  }
}

function unusable(path: string, cause: unknown): DeepfakeError {
  const message = `The results of scans cannot be kept in ${path} (${messageOf(cause)}): name another file with --store, or use --no-store.`;
  return new DeepfakeError(ErrorCode.StoreUnusable, message, path, { cause });
}
