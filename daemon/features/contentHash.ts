import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { AudioFile } from '../audio/audioFile.ts';

/** What tells, without reading it, that a file has not changed. */
export interface FileState {
  size: bigint;
  mtimeNs: bigint;
  /** Changes also when a tool puts the modification time back. */
  ctimeNs: bigint;
}

/** The state of a file now. Throws what `stat` throws. */
export async function readFileState(path: string): Promise<FileState> {
  const { size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return { size, mtimeNs, ctimeNs };
}

export const stateText = ({ size, mtimeNs, ctimeNs }: FileState): string => `${size} ${mtimeNs} ${ctimeNs}`;

/** SHA-256 of a file, hexadecimal; an attacker must not be able to make a file that is taken for another one. Throws as `AudioFile.open`. */
export async function contentHash(path: string): Promise<string> {
  const file = await AudioFile.open(path);
  try {
    const hash = createHash('sha256');
    for await (const chunk of file.chunks()) hash.update(chunk);
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}
