import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';

/** Runs `work` while no other process does so with the same folder. Throws DeepfakeError WriteFailed where one does. */
export async function withFolderLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const file = join(folder, 'lock');
  await take(file);
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function take(file: string): Promise<void> {
  for (;;) {
    const handle = await open(file, 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return undefined;
      throw error;
    });
    if (handle !== undefined) {
      await handle.writeFile(String(process.pid));
      await handle.close();
      return;
    }
    const owner = Number(await readFile(file, 'utf8').catch(() => ''));
    if (owner > 0 && isRunning(owner)) {
      throw new DeepfakeError(
        ErrorCode.WriteFailed,
        `Process ${owner} is downloading the same data set: wait for it to end, or delete ${file} if it is something else.`,
        file,
      );
    }
    // Left over from a process that was killed.
    await rm(file, { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
