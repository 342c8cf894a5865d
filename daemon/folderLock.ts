import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DeepfakeError, ErrorCode } from '../shared/errors.ts';
import { writeError } from './files.ts';
import { isRunning } from './runningProcess.ts';

/** Milliseconds that a process may take between making its lock and writing its number into it. */
const WRITING_MS = 2000;
/** Milliseconds after which processes that took over the same dead lock at the same time all see who came last. */
const SETTLING_MS = 100;

/** Locks of this process. */
const held = new Set<string>();

/**
 * Runs `work` while no other process does so with the same existing folder; one that was killed stands in nobody's way. `purpose`
 * tells others what this one is at: "is downloading the same data set". Throws DeepfakeError WriteFailed.
 */
export async function withFolderLock<T>(folder: string, purpose: string, work: () => Promise<T>): Promise<T> {
  const file = resolve(folder, 'lock');
  if (held.has(file)) throw taken(file, process.pid, purpose);
  held.add(file);
  try {
    await take(file, purpose);
    try {
      return await work();
    } finally {
      await rm(file, { force: true });
    }
  } finally {
    held.delete(file);
  }
}

async function take(file: string, purpose: string): Promise<void> {
  try {
    while (!(await create(file))) {
      const owner = await ownerOf(file);
      if (owner !== undefined) throw taken(file, owner, purpose);
      const own = `${file}.${process.pid}`;
      await writeFile(own, String(process.pid));
      await rename(own, file);
      await delay(SETTLING_MS);
      if ((await read(file)) === process.pid) return;
    }
  } catch (error) {
    throw writeError(error, file) ?? error;
  }
}

/** Whether there was no lock yet. */
async function create(file: string): Promise<boolean> {
  const handle = await open(file, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined;
    throw error;
  });
  if (handle === undefined) return false;
  try {
    await handle.writeFile(String(process.pid));
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  return true;
}

function taken(file: string, owner: number, purpose: string): DeepfakeError {
  const who = owner === 0 ? 'Another process' : `Process ${owner}`;
  const message = `${who} ${purpose}: wait for it to end, or delete ${file} if it is something else.`;
  return new DeepfakeError(ErrorCode.WriteFailed, message, file);
}

/** Who holds a lock, 0 where it has not said yet; undefined for a lock whose process is gone. */
async function ownerOf(file: string): Promise<number | undefined> {
  const facts = await stat(file).catch(() => undefined);
  if (facts === undefined) return undefined;
  const owner = await read(file);
  const age = Date.now() - facts.mtimeMs;
  // A clock that was put back would make it look younger than new.
  if (owner === 0) return Math.abs(age) < WRITING_MS ? 0 : undefined;
  // Numbers are given out anew after a restart, and in a new container; what this process holds is in `held`.
  if (age > 1000 * uptime() || owner === process.pid) return undefined;
  return isRunning(owner) ? owner : undefined;
}

const read = async (file: string): Promise<number> =>
  Number(await readFile(file, 'utf8').catch(() => '')) || 0;
