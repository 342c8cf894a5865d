import { statfs } from 'node:fs/promises';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';

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

/** 1234567890 → '1.23 GB', and megabytes below one gigabyte. */
export const gigabytes = (bytes: number): string =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
