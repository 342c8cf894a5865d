import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import { KNOWN_TRAINING_FOLDERS } from './manifest.ts';

/** How many folders below the mount a data set is looked for. */
const SEARCH_DEPTH = 4;

/**
 * Inside a Kaggle notebook the folder of the attached data set `owner/slug`, or of another that has its folders; undefined elsewhere.
 * Throws DeepfakeError DatasetNotFound where none is attached.
 */
export async function attachedDataset(dataset: string): Promise<string | undefined> {
  const mount = process.env.KAGGLE_CACHE_MOUNT_FOLDER || '/kaggle/input';
  if (!process.env.KAGGLE_KERNEL_RUN_TYPE && !(await isFolder(mount))) return undefined;
  const slug = dataset.slice(dataset.indexOf('/') + 1);
  for (const folder of [join(mount, slug), join(mount, 'datasets', dataset)]) {
    if (await isFolder(folder)) return folder;
  }
  const alike = await findAlike(mount);
  if (alike !== undefined) return alike;
  throw new DeepfakeError(
    ErrorCode.DatasetNotFound,
    `No Fake-or-Real data set is attached to this notebook: choose "Add Input", search for ${dataset} and add it, or give a folder with --data-root.`,
    mount,
  );
}

/** The nearest folder that holds a training folder of a known layout. */
async function findAlike(mount: string): Promise<string | undefined> {
  let level = [mount];
  for (let depth = 0; depth <= SEARCH_DEPTH && level.length > 0; depth++) {
    const below: string[] = [];
    for (const folder of level) {
      for (const known of KNOWN_TRAINING_FOLDERS) {
        if (await isFolder(join(folder, ...known))) return folder;
      }
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
      below.push(...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name)));
    }
    level = below.sort();
  }
  return undefined;
}

const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
