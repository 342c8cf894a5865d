import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { distFile, packageRoot } from '../../daemon/paths.ts';
import { subfolder, temporaryFolder, writeDataset } from '../helpers.ts';

const folder = temporaryFolder();
const works = (program: string, ...args: string[]) =>
  spawnSync(program, args, { stdio: 'ignore' }).status === 0;
const withoutNetwork = works('unshare', '--net', 'true') ? false : 'unshare may not cut off the network here';
const traced = works('strace', '-f', '-o', '/dev/null', 'true') ? false : 'strace may not be used here';

/** Calls that reach for another machine, or ask for the address of one. */
const REACHES_OUT = /\b(connect|sendto|sendmsg|sendmmsg)\(.*\bAF_INET6?\b/;

describe('predict, scan, train and evaluate', () => {
  const commands: Record<string, string[]> = {};
  let environment: NodeJS.ProcessEnv = {};
  before(async () => {
    const home = subfolder(folder, 'home');
    environment = {
      ...process.env,
      HOME: home,
      XDG_CACHE_HOME: home,
      LOCALAPPDATA: home,
      DATASET_ROOT: undefined,
    };
    const data = ['--data-root', await writeDataset(join(folder, 'data'), 6)];
    const reports = ['--reports-dir', join(folder, 'reports')];
    const samples = join(packageRoot, 'media', 'samples');
    commands.predict = ['predict', join(samples, 'genuine-man-italian.wav')];
    commands.scan = ['scan', samples];
    commands.train = [
      'train',
      ...data,
      '--recipe',
      'reference',
      '--epochs',
      '1',
      '--model-dir',
      join(folder, 'model'),
      ...reports,
    ];
    commands.evaluate = ['evaluate', ...data, ...reports];
  });
  const run = (...args: string[]) =>
    spawnSync(args[0], args.slice(1), { env: environment, encoding: 'utf8' });

  it('work where there is no network at all', { skip: withoutNetwork }, () => {
    for (const [name, args] of Object.entries(commands)) {
      const { status, stderr } = run('unshare', '--net', process.execPath, distFile('cli.js'), ...args);
      assert.equal(status, 0, `${name}: ${stderr}`);
    }
  });

  it('never reach for the network where there is one', { skip: traced }, () => {
    for (const [name, args] of Object.entries(commands)) {
      const log = join(folder, `${name}.strace`);
      const calls = ['-f', '--seccomp-bpf', '-e', 'trace=network', '-o', log];
      const again = args.map((arg) => (arg === join(folder, 'model') ? join(folder, 'model2') : arg));
      const { status, stderr } = run('strace', ...calls, process.execPath, distFile('cli.js'), ...again);
      assert.equal(status, 0, `${name}: ${stderr}`);
      const reaching = readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => REACHES_OUT.test(line));
      assert.deepEqual(reaching, [], name);
    }
  });

  it('would be found out: the trace shows what reaches for an address', { skip: traced }, () => {
    const log = join(folder, 'reaching.strace');
    const reach = "require('node:net').connect(9, '127.0.0.1').on('error', () => {})";
    run('strace', '-f', '--seccomp-bpf', '-e', 'trace=network', '-o', log, process.execPath, '-e', reach);
    assert.match(readFileSync(log, 'utf8'), REACHES_OUT);
  });
});
