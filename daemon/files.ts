import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DeepfakeError, ErrorCode, messageOf } from '../shared/errors.ts';

/** Writes a whole file or nothing: a temporary file beside it, then rename. Creates the folder. Throws WriteFailed. */
export async function writeFileAtomically(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, data);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    const message = `Could not write ${path}: ${messageOf(error)}. Check the free space and the permissions of its folder.`;
    throw new DeepfakeError(ErrorCode.WriteFailed, message, path, { cause: error });
  }
}
