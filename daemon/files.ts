import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DeepfakeError, ErrorCode, messageOf } from '../shared/errors.ts';
import { isRunning } from './runningProcess.ts';

/** A file to write, and what goes into it. */
export interface FileContent {
  path: string;
  data: string | Uint8Array;
}

/** Writes a whole file or nothing, as `writeFilesAtomically`. */
export const writeFileAtomically = (path: string, data: string | Uint8Array): Promise<void> =>
  writeFilesAtomically([{ path, data }]);

/**
 * Writes files that belong together: temporary files beside them, on the disk before any gets its name, then one rename after the
 * other. Creates their folders. Throws WriteFailed; what was there before is still there then.
 */
export async function writeFilesAtomically(files: FileContent[]): Promise<void> {
  const temporary = (path: string) => `${path}.${process.pid}.tmp`;
  let current = '';
  try {
    for (const { path, data } of files) {
      current = path;
      await mkdir(dirname(path), { recursive: true });
      await writeThrough(temporary(path), data);
    }
    for (const { path } of files) {
      current = path;
      await rename(temporary(path), path);
    }
    for (const folder of new Set(files.map(({ path }) => dirname(path)))) await syncFolder(folder);
  } catch (error) {
    for (const { path } of files) await rm(temporary(path), { force: true }).catch(() => {});
    throw writeError(error, current) ?? error;
  }
}

/** Returns when the content is on the disk, not only on its way there. */
async function writeThrough(path: string, data: string | Uint8Array): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename is on the disk when its folder is; Windows has no such call and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder);
  // Some file systems refuse to; the content is there all the same.
  await handle.sync().catch(() => {});
  await handle.close();
}

/** A temporary file that lives on without a name until it is closed, by whatever ends the process. Throws the file system's errors. */
export async function openUnnamedFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `deepfake-audio-${randomBytes(8).toString('hex')}`);
  const file = await open(path, 'wx+', 0o600);
  await rm(path, { force: true });
  return file;
}

const TEMPORARY_NAME = /\.(?:safetensors|json|png|html)\.(\d+)\.tmp$/;

/** Removes what writers of models and reports left in `folder` when they were killed. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const writer = TEMPORARY_NAME.exec(name)?.[1];
    if (writer !== undefined && !isRunning(Number(writer))) await rm(join(folder, name), { force: true });
  }
}

const DISK_FULL = ['ENOSPC', 'EDQUOT'];

/** System calls of files; those of the network have other names. */
const FILE_CALLS = [
  'open',
  'write',
  'ftruncate',
  'mkdir',
  'rename',
  'unlink',
  'rmdir',
  'scandir',
  'fsync',
  'close',
];

/** The DeepfakeError WriteFailed for a failed write of `file`; undefined where the error is not the file system's. */
export function writeError(error: unknown, file: string): DeepfakeError | undefined {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined || !FILE_CALLS.includes(syscall)) {
    return undefined;
  }
  const message = DISK_FULL.includes(code)
    ? `The disk is full: ${file} could not be written. Make room and run the same command again.`
    : `Could not write ${file}: ${messageOf(error)}. Check the permissions of its folder.`;
  return new DeepfakeError(ErrorCode.WriteFailed, message, file, { cause: error });
}
