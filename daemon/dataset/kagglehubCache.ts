import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The newest version of `owner/slug` that Python's kagglehub has downloaded completely; undefined where there is none. */
export async function kagglehubCopy(dataset: string): Promise<string | undefined> {
  const cache = process.env.KAGGLEHUB_CACHE || join(homedir(), '.cache', 'kagglehub');
  const folder = join(cache, 'datasets', ...dataset.split('/'));
  const names: string[] = await readdir(folder).catch(() => []);
  // kagglehub marks versions/N as whole by a file N.complete.
  const versions = names.map((name) => Number(/^(\d+)\.complete$/.exec(name)?.[1] ?? Number.NaN));
  for (const version of versions.filter(Number.isFinite).sort((a, b) => b - a)) {
    const copy = join(folder, 'versions', String(version));
    if ((await stat(copy).catch(() => undefined))?.isDirectory()) return copy;
  }
  return undefined;
}
