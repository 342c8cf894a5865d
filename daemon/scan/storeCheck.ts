import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { readFileState, stateText } from '../features/contentHash.ts';
import { distFile } from '../paths.ts';

/** Milliseconds without a word after which a store is taken for damaged: a page may lead back to itself. */
const PROBE_STALL_MS = 60_000;
/** What `storeProbe.ts` ends with where it found damage; 1 is Node's own for whatever else goes wrong. */
export const DAMAGED_EXIT_CODE = 2;

/** Beside a store: the state of its file when it was last closed. */
const noteOf = (path: string): string => `${path}-closed`;

/** Notes that the store has been closed, so that it need not be looked through when it is opened next. */
export async function noteClosed(path: string): Promise<void> {
  // Without the note it will be looked through, which costs time and nothing else.
  await writeFile(noteOf(path), stateText(await readFileState(path))).catch(() => {});
}

/**
 * Whether a store can be used. LMDB ends a process that meets a damaged page: unless the file is as it was when it was closed,
 * all of it is read in another process first. True also for a file that does not exist.
 */
export async function isSound(path: string): Promise<boolean> {
  const state = await readFileState(path).catch(() => undefined);
  if (state === undefined || state.size === 0n) return true;
  const noted = await readFile(noteOf(path), 'utf8').catch(() => undefined);
  return noted === stateText(state) || (await survivesReading(path));
}

function survivesReading(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const child = execFile(
      process.execPath,
      [distFile('storeProbe.js'), path],
      { windowsHide: true },
      (error) => {
        clearTimeout(timer);
        // Ended by a signal or, on Windows, with the number of an exception; what is no fault of the file has another sentence.
        resolve(error === null || error.code === 1);
      },
    );
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => child.kill('SIGKILL'), PROBE_STALL_MS);
    };
    child.stdout?.on('data', watch);
    watch();
  });
}
