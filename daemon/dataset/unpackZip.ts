import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import { crc32 } from '../crc32.ts';
import { writeError } from '../files.ts';

export interface UnpackLimits {
  entries: number;
  /** Bytes of all files together after unpacking. */
  bytes: number;
  /** How many times larger than the archive the files may be together. */
  expansion: number;
}

/** Far above any data set of speech, far below what a zip bomb unfolds to. */
const LIMITS: UnpackLimits = { entries: 2_000_000, bytes: 500e9, expansion: 100 };

export interface UnpackOptions {
  limits?: UnpackLimits;
  /** Called with the bytes that the files will take before the first is written; what it throws ends the unpacking. */
  onSize?: (bytes: number) => Promise<void>;
  onProgress?: (written: number, total: number) => void;
  signal?: AbortSignal;
}

const STORED = 0;
const DEFLATED = 8;
const MAX_NAME_BYTES = 255;

// File types in the upper half of the external attributes where the archive was made on Unix.
const TYPE_MASK = 0o170000;
const UNTYPED = 0;
const REGULAR_FILE = 0o100000;
const FOLDER = 0o040000;

/** Characters that some system does not allow in a name, or takes for something else: drives, streams, patterns. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const FORBIDDEN_CHARACTERS = /[\x00-\x1f\x7f<>:"|?*\\]/;
/** Names that mean devices on Windows, with any extension. */
const DEVICE_NAME = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)/i;

/**
 * Unpacks a zip archive into the empty folder `folder`. Nothing is written unless every entry is harmless: relative plain names, regular
 * files and folders only, nothing twice, nothing encrypted, all within `limits`. Throws DeepfakeError ArchiveInvalid, WriteFailed, Cancelled.
 */
export async function unpackZip(archive: string, folder: string, options: UnpackOptions = {}): Promise<void> {
  const { onSize, onProgress, signal } = options;
  const total = await totalSize(archive, options.limits ?? LIMITS);
  await onSize?.(total);
  let written = 0;
  const made = new Set<string>();
  try {
    // One entry after the other: yauzl's streams must not be destroyed while a read of theirs waits for another's.
    for await (const { entry, zip } of entries(archive)) {
      if (signal?.aborted) break;
      const path = join(folder, ...entry.fileName.split('/'));
      const parent = entry.fileName.endsWith('/') ? path : dirname(path);
      if (!made.has(parent)) {
        await mkdir(parent, { recursive: true });
        made.add(parent);
      }
      if (parent === path) continue;
      await writeEntry(zip, entry, path, signal);
      written += entry.uncompressedSize;
      onProgress?.(written, total);
    }
  } catch (error) {
    if (!signal?.aborted) throw writeError(error, folder) ?? damaged(archive, messageOf(error), error);
  }
  if (signal?.aborted) {
    throw new DeepfakeError(ErrorCode.Cancelled, `Unpacking ${archive} was cancelled.`, archive);
  }
}

async function writeEntry(zip: ZipFile, entry: Entry, path: string, signal?: AbortSignal): Promise<void> {
  const source = await zip.openReadStreamPromise(entry);
  let crc = 0;
  const checked = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      crc = crc32(chunk, crc);
      yield chunk;
    }
    if (crc !== entry.crc32) throw new Error(`${entry.fileName} does not have its checksum`);
  };
  await pipeline(source, checked, createWriteStream(path, { flags: 'wx' }), { signal });
}

/** Bytes of all files together, once every entry has been found harmless. */
async function totalSize(archive: string, limits: UnpackLimits): Promise<number> {
  const kinds = new Map<string, 'file' | 'folder'>();
  let total = 0;
  try {
    for await (const { entry, zip } of entries(archive)) {
      const refuse = (reason: string) => {
        throw refused(archive, `its entry ${JSON.stringify(entry.fileName)} ${reason}`);
      };
      if (zip.entryCount > limits.entries) throw refused(archive, `it has ${zip.entryCount} entries`);
      const fault = faultOf(entry);
      if (fault !== undefined) refuse(fault);
      claimName(entry.fileName, kinds, refuse);
      total += entry.uncompressedSize;
      if (total > Math.min(limits.bytes, limits.expansion * zip.fileSize)) {
        throw refused(archive, `its files unfold to more than ${total} bytes`);
      }
    }
  } catch (error) {
    if (error instanceof DeepfakeError) throw error;
    throw damaged(archive, messageOf(error), error);
  }
  return total;
}

/** What is wrong with an entry by itself. */
function faultOf(entry: Entry): string | undefined {
  const type = (entry.externalFileAttributes >>> 16) & TYPE_MASK;
  const isFolder = entry.fileName.endsWith('/');
  if (type !== UNTYPED && type !== (isFolder ? FOLDER : REGULAR_FILE)) return 'is not a regular file';
  if (entry.isEncrypted()) return 'is encrypted';
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
    return 'is compressed in a way that is not supported';
  }
  if (isFolder && entry.uncompressedSize > 0) return 'is a folder with content';
  return entry.fileName.replace(/\/$/, '').split('/').map(faultOfName).find(Boolean);
}

function faultOfName(name: string): string | undefined {
  if (name === '' || name === '.' || name === '..') return 'leads elsewhere';
  if (FORBIDDEN_CHARACTERS.test(name)) return 'has a character that is no part of a name';
  if (DEVICE_NAME.test(name)) return 'names a device';
  if (/[. ]$/.test(name)) return 'ends in a dot or a space';
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return 'is too long';
  return undefined;
}

/** Notes a name and its folders; names that some file system holds to be the same are refused. */
function claimName(
  fileName: string,
  kinds: Map<string, 'file' | 'folder'>,
  refuse: (reason: string) => void,
): void {
  const key = fileName.replace(/\/$/, '').normalize('NFC').toLowerCase();
  const isFolder = fileName.endsWith('/');
  const known = kinds.get(key);
  if (known !== undefined && !(isFolder && known === 'folder')) refuse('occurs twice');
  kinds.set(key, isFolder ? 'folder' : 'file');
  for (let end = key.lastIndexOf('/'); end > 0; end = key.lastIndexOf('/', end - 1)) {
    const parent = key.slice(0, end);
    const parentKind = kinds.get(parent);
    if (parentKind === 'file') refuse('lies in a file');
    if (parentKind === 'folder') break;
    kinds.set(parent, 'folder');
  }
}

async function* entries(archive: string): AsyncGenerator<{ entry: Entry; zip: ZipFile }> {
  // yauzl itself refuses absolute names, drive letters and "..".
  const zip = await openPromise(archive);
  // An error of closing the file has nobody else to hear it.
  zip.on('error', () => {});
  for await (const entry of zip.eachEntry()) yield { entry, zip };
}

const refused = (archive: string, reason: string): DeepfakeError =>
  new DeepfakeError(ErrorCode.ArchiveInvalid, `${archive} was not unpacked: ${reason}.`, archive);

const damaged = (archive: string, reason: string, cause: unknown): DeepfakeError =>
  new DeepfakeError(ErrorCode.ArchiveInvalid, `${archive} cannot be unpacked (${reason}).`, archive, {
    cause,
  });
