// Which binaries go into which package, and where they come from.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../prepare.mjs';
import { LMDB_FOLDER, ONNX_RUNTIME_FOLDER } from './nativePackages.mjs';
import { npm } from './npm.mjs';

const CACHE = join(root, '.cache', 'package', 'npm');

/** The CPU library alone: DirectML and the Direct3D compilers of Windows are loaded when a graphics processor is asked for. */
const ONNX_RUNTIME = {
  'linux-x64': ['libonnxruntime.so.1'],
  'linux-arm64': ['libonnxruntime.so.1'],
  'win32-x64': ['onnxruntime.dll'],
  'win32-arm64': ['onnxruntime.dll'],
  // The name that the binding links to; the package has the same file a second time under its full version.
  'darwin-arm64': ['libonnxruntime.1.dylib'],
};

/** Builds on Node-API, which every Node and Electron loads; the others are for single versions of Node. */
const LMDB = {
  'linux-x64': ['node.napi.glibc.node'],
  'linux-arm64': ['node.napi.glibc.node'],
  'win32-x64': ['node.napi.node'],
  'win32-arm64': ['node.napi.node'],
  'darwin-arm64': ['node.napi.node'],
};
/** Every platform that LMDB is built for, since nothing says where a universal package will run. */
const UNIVERSAL_LMDB = {
  ...LMDB,
  'linux-x64': ['node.napi.glibc.node', 'node.napi.musl.node'],
  'linux-arm64': ['node.napi.glibc.node', 'node.napi.musl.node'],
  'linux-arm': ['node.napi.glibc.node'],
  'darwin-x64': ['node.napi.node'],
};

export const UNIVERSAL = 'universal';
/** VS Code's names of platforms, and the package for all others. */
export const TARGETS = [...Object.keys(ONNX_RUNTIME), UNIVERSAL];

/**
 * The binaries of a target: absolute path on this machine, and place below dist/.
 * @throws {Unavailable} where LMDB's cannot be fetched.
 */
export async function nativeFiles(target) {
  const lmdb = target === UNIVERSAL ? UNIVERSAL_LMDB : { [target]: LMDB[target] };
  const files = [];
  for (const [platform, names] of Object.entries(lmdb)) {
    const folder = await lmdbPackage(platform);
    for (const name of names)
      files.push({ from: join(folder, name), to: `${LMDB_FOLDER}/${platform}/${name}` });
  }
  if (target === UNIVERSAL) return files;
  const folder = `${ONNX_RUNTIME_FOLDER}/${target.replace('-', '/')}`;
  for (const name of ['onnxruntime_binding.node', ...ONNX_RUNTIME[target]])
    files.push({ from: join(root, 'node_modules/onnxruntime-node', folder, name), to: `${folder}/${name}` });
  return files;
}

/** The unpacked package with LMDB's binaries for a platform, of the version and with the hash in package-lock.json. */
async function lmdbPackage(platform) {
  const name = `@lmdb/lmdb-${platform}`;
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const { version, integrity } = packages[`node_modules/${name}`];
  const archive = join(CACHE, `lmdb-lmdb-${platform}-${version}.tgz`);
  await mkdir(CACHE, { recursive: true });
  if (!existsSync(archive)) await npm(['pack', `${name}@${version}`, '--pack-destination', CACHE], root);
  const hash = `sha512-${createHash('sha512')
    .update(await readFile(archive))
    .digest('base64')}`;
  if (hash !== integrity) throw new Error(`${archive} is not what package-lock.json names: delete it.`);
  const folder = join(CACHE, basename(archive, '.tgz'));
  await mkdir(folder, { recursive: true });
  await promisify(execFile)('tar', ['-xzf', archive, '-C', folder]);
  return join(folder, 'package');
}
