import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Unavailable } from './unavailable.mjs';

/**
 * Runs npm without scripts of packages and without output; takes what its cache has.
 * @throws {Unavailable} with npm's own reason.
 */
export async function npm(args, cwd) {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'];
  const options = { cwd, shell: process.platform === 'win32', maxBuffer: 2 ** 26 };
  try {
    await promisify(execFile)('npm', [...args, ...quiet], options);
  } catch (error) {
    const lines = String(error.stderr ?? error.message).split('\n');
    const reason = lines.find((line) => /\b(E[A-Z0-9]{3,}|error)\b/.test(line)) ?? lines[0];
    throw new Unavailable(
      `npm ${args[0]} failed (${reason.trim()}); connect to an npm registry and try again`,
    );
  }
}
