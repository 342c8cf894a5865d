import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from '../prepare.mjs';
import { npm } from './npm.mjs';

const MANIFESTS = ['package.json', 'package-lock.json'];

/**
 * One of the tools named in package.json beside this file: they are installed as locked into .cache at their first use, because
 * their 280 packages are of no use to those who build, run or test.
 * @throws {Unavailable} where they cannot be fetched.
 */
export async function loadTool(name) {
  const folder = await installedTools();
  return createRequire(join(folder, 'package.json'))(name);
}

async function installedTools() {
  const source = join(root, 'scripts', 'package');
  const hash = createHash('sha256');
  for (const name of MANIFESTS) hash.update(await readFile(join(source, name)));
  const folder = join(root, '.cache', 'package-tools', hash.digest('hex').slice(0, 16));
  if (existsSync(folder)) return folder;
  console.error('Installing the tools for packages …');
  const partial = `${folder}.${process.pid}`;
  await mkdir(partial, { recursive: true });
  try {
    for (const name of MANIFESTS) await cp(join(source, name), join(partial, name));
    await npm(['ci', '--omit=optional'], partial);
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    // Another process was faster; its folder is as good as this one.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}
