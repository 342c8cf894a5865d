import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { subfolder, temporaryFolder, writeDataset } from '../helpers.ts';
import { runCli, startCli, succeed } from './runCli.ts';

const CLIPS = 60;
const folder = temporaryFolder();
const path = (...names: string[]) => join(folder, ...names);

/** Arguments of a short training run whose outputs go into a folder of their own. */
const train = (name: string, ...options: string[]) => [
  ...['train', '--data-root', path('data'), '--recipe', 'reference', '--epochs', '1', '--num-workers', '1'],
  ...['--model-dir', path(name), '--reports-dir', path(name), ...options],
];
const model = (name: string) => readFileSync(path(name, 'deepfake_cnn.safetensors'));

/** Starts the program with an empty folder for temporary files and kills it when it has printed this. */
async function killed(args: string[], when: RegExp): Promise<{ temporary: string[] }> {
  const tmp = subfolder(folder, `tmp${Math.random()}`);
  const child = startCli(args, { TMPDIR: tmp, TEMP: tmp, TMP: tmp });
  let printed = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
    if (when.test(printed)) child.kill('SIGKILL');
  });
  const [, signal] = await once(child, 'close');
  assert.equal(signal, 'SIGKILL', printed);
  return { temporary: readdirSync(tmp) };
}

before(async () => {
  await writeDataset(path('data'), CLIPS / 2, 1);
  await succeed(train('fresh', '--no-feature-cache'));
});

describe('the feature cache of train', () => {
  it('changes nothing in the model, neither when it is filled nor when it is used', async () => {
    await succeed(train('first', '--feature-cache', path('cache')));
    await succeed(train('second', '--feature-cache', path('cache')));
    assert.deepEqual(model('first'), model('fresh'));
    assert.deepEqual(model('second'), model('fresh'));
  });

  const noSignals = process.platform === 'win32' && 'no signals on Windows';
  it('survives SIGKILL while it is filled, and the next run goes on', { skip: noSignals }, async () => {
    const options = ['--feature-cache', path('killed')];
    const { temporary } = await killed(train('never', ...options), /to train on/);
    assert.deepEqual(temporary, []);
    await succeed(train('after', ...options));
    assert.deepEqual(model('after'), model('fresh'));
  });

  it('leaves nothing behind when a run without it is killed', { skip: noSignals }, async () => {
    const { temporary } = await killed(
      train('bare', '--no-feature-cache', '--epochs', '100000'),
      /^Epoch 002/m,
    );
    assert.deepEqual(temporary, []);
  });
});

describe('a full disk', () => {
  const small = path('small');
  let mounted = false;
  before(async () => {
    await mkdir(small);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'none', small], { stdio: 'ignore' });
      mounted = true;
    } catch {
      // Only root may do this, and not everywhere.
    }
  });
  after(() => {
    if (mounted) execFileSync('umount', [small]);
  });

  it('is told with the folder and a remedy, and old features make room', async (test) => {
    if (!mounted) {
      test.skip('a small disk cannot be mounted here');
      return;
    }
    const options = ['--feature-cache', small];
    // 60 windows of 64 kB do not fit into 3 MB.
    const { code, stderr } = await runCli(train('full', ...options));
    assert.equal(code, 1);
    assert.match(stderr, /^error: [^\n]*the disk is full[^\n]*--feature-cache\.\n$/);
    assert.ok(stderr.includes(small), stderr);
    assert.equal(existsSync(path('full', 'deepfake_cnn.safetensors')), false);
    // Half as many fit when what the first run left is deleted.
    await writeDataset(path('others'), CLIPS / 4, 0.9);
    await succeed(train('half', ...options, '--data-root', path('others')));
  });
});
