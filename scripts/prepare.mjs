// Brings a clone to the point where it runs: dependencies installed as locked, everything bundled into dist/.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const MINIMUM_NODE = 20;

/** Runs a program in the project's folder; ends this process with its exit code when it fails. */
export function run(program, args, { quiet = false } = {}) {
  const result = spawnSync(program, args, {
    cwd: root,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    encoding: 'utf8',
    shell: process.platform === 'win32' && program === 'npm',
  });
  if (result.status !== 0) {
    if (quiet) process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
    console.error(
      `error: ${program} ${args.join(' ')} failed${result.error ? `: ${result.error.message}` : ''}.`,
    );
    process.exit(result.status ?? 1);
  }
}

/** Builds, then runs a tool of dist/tools; ends this process with its exit code. */
export function runTool(name, args = []) {
  prepare({ tools: true });
  const { status } = spawnSync(process.execPath, [join('dist', 'tools', `${name}.js`), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exit(status ?? 1);
}

/** Installs when the lock file has changed since the last install, then builds. */
export function prepare({ tests = false, tools = false } = {}) {
  install();
  console.error('Building …');
  const extras = [...(tests ? ['--tests'] : []), ...(tools ? ['--tools'] : [])];
  run(process.execPath, ['esbuild.mjs', ...extras], { quiet: true });
}

/** Installs when the lock file has changed since the last install. */
export function install() {
  if (Number(process.versions.node.split('.')[0]) < MINIMUM_NODE) {
    console.error(`error: Node ${MINIMUM_NODE} or newer is needed; this is ${process.version}.`);
    process.exit(1);
  }
  if (!isInstalled()) {
    console.error('Installing dependencies …');
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { quiet: true });
  }
}

/** npm keeps what it installed in node_modules/.package-lock.json; the platform's optional packages may be missing there. */
function isInstalled() {
  const installedPath = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedPath)) return false;
  const versions = (path) => {
    const { packages } = JSON.parse(readFileSync(path, 'utf8'));
    return new Map(Object.entries(packages).map(([name, entry]) => [name, entry]));
  };
  const installed = versions(installedPath);
  for (const [name, entry] of versions(join(root, 'package-lock.json'))) {
    if (name === '' || entry.optional || entry.devOptional) continue;
    if (installed.get(name)?.version !== entry.version) return false;
  }
  return true;
}
