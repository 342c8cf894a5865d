import { statfs } from 'node:fs/promises';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';

const DISK_FULL = ['ENOSPC', 'EDQUOT'];

/** Throws DeepfakeError WriteFailed where the disk of the existing `folder` has fewer than `bytes` left for this user. */
export async function requireDiskSpace(folder: string, bytes: number, purpose: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free < bytes) {
    throw new DeepfakeError(
      ErrorCode.WriteFailed,
      `${folder} has ${gigabytes(free)} free and ${purpose} needs ${gigabytes(bytes)}: make room, or name a folder on another disk in DEEPFAKE_AUDIO_DATASETS.`,
      folder,
    );
  }
}

/** The DeepfakeError WriteFailed for a failed write; undefined where the error is not the file system's. */
export function writeError(error: unknown, file: string): DeepfakeError | undefined {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined || !FILE_CALLS.includes(syscall)) {
    return undefined;
  }
  const message = DISK_FULL.includes(code)
    ? `The disk is full: ${file} could not be written any further. Make room and run the same command again.`
    : `Could not write ${file}: ${messageOf(error)}. Check the permissions of its folder.`;
  return new DeepfakeError(ErrorCode.WriteFailed, message, file, { cause: error });
}

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

/** 1234567890 → '1.23 GB', and megabytes below one gigabyte. */
export const gigabytes = (bytes: number): string =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
