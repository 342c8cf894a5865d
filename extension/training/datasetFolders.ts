import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { comparableName, LABEL_WORDS, SPLIT_FOLDERS } from '../../shared/datasetNames.ts';

/** How far below a workspace folder, and at how many folders, labelled data is looked for. */
const MAX_DEPTH = 4;
const MAX_FOLDERS = 500;
/** Folders that hold programs, not recordings. */
const SKIPPED = new Set(['node_modules', 'venv', '__pycache__', 'dist', 'build']);

/**
 * Folders below `root`, itself included, that look like labelled data: they have a subfolder for each class, or parts
 * (training, testing and so on) that do. A look at names only; the daemon knows better, and looks at files.
 */
export async function findDatasetFolders(root: string): Promise<string[]> {
  const found = new Set<string>();
  let level = [root];
  let seen = 0;
  for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth++) {
    const below: string[] = [];
    for (const folder of level) {
      if (++seen > MAX_FOLDERS) return [...found].sort();
      const names = await subfolders(folder);
      if (hasBothClasses(names)) {
        const isPart = folder !== root && basename(folder).toLowerCase() in SPLIT_FOLDERS;
        found.add(isPart ? dirname(folder) : folder);
      } else {
        below.push(...names.map((name) => join(folder, name)));
      }
    }
    level = below;
  }
  return [...found].sort();
}

const hasBothClasses = (names: readonly string[]): boolean =>
  LABEL_WORDS.every((words) => names.some((name) => words.includes(comparableName(name))));

async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !SKIPPED.has(entry.name))
    .map(({ name }) => name);
}
