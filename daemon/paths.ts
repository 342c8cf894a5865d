import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import envPaths from 'env-paths';
import { CHECKPOINT_NAME, CONFIG_NAME } from '../shared/modelFiles.ts';

/** The folder of this package: bundles and chunks lie at different depths below it. */
export const packageRoot = findPackageRoot(dirname(fileURLToPath(import.meta.url)));

function findPackageRoot(start: string): string {
  let folder = start;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) {
      throw new Error(`No package.json above ${start}: the installation is incomplete.`);
    }
    folder = parent;
  }
  return folder;
}

/** A bundled entry point, such as a worker, in `dist/`. */
export const distFile = (name: string): string => join(packageRoot, 'dist', name);

export const packageVersion: string = JSON.parse(
  readFileSync(join(packageRoot, 'package.json'), 'utf8'),
).version;

/** The user's cache folder, the same for command line, daemon and extension; it need not exist. */
export const userCacheFolder: string = envPaths('deepfake-audio', { suffix: '' }).cache;

export const shippedCheckpoint = join(packageRoot, 'models', CHECKPOINT_NAME);
export const shippedConfig = join(packageRoot, 'models', CONFIG_NAME);
