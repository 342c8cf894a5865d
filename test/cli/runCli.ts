import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { distFile } from '../../daemon/paths.ts';
import { temporaryFolder } from '../helpers.ts';

export interface Finished {
  /** Exit code; null where a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Not the user's. */
const DEEPFAKE_AUDIO_FEATURE_CACHE = temporaryFolder();

/** Starts the command line as a user does. */
export function startCli(args: string[], environment: NodeJS.ProcessEnv = {}) {
  const env = { ...process.env, DATASET_ROOT: undefined, DEEPFAKE_AUDIO_FEATURE_CACHE, ...environment };
  return spawn(process.execPath, [distFile('cli.js'), ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

export async function runCli(args: string[], environment?: NodeJS.ProcessEnv): Promise<Finished> {
  const child = startCli(args, environment);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code, stdout, stderr };
}

/** Runs a command that must succeed without a word on standard error. */
export async function succeed(args: string[], environment?: NodeJS.ProcessEnv): Promise<string> {
  const { code, stdout, stderr } = await runCli(args, environment);
  assert.deepEqual([code, stderr], [0, '']);
  return stdout;
}

/** Runs a command that must fail with one line that names `about` and matches; `printed` is what it may say before. */
export async function fail(args: string[], about: string, message: RegExp, printed = /^$/): Promise<void> {
  const { code, stdout, stderr } = await runCli(args);
  assert.match(stderr, /^error: [^\n]+\n$/);
  assert.ok(stderr.includes(about), `${stderr} does not name ${about}`);
  assert.match(stderr, message);
  assert.match(stdout, printed);
  assert.equal(code, 1);
}
