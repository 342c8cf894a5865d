import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, it } from 'node:test';
import { readModel } from '../../daemon/model/checkpoint.ts';
import { packageRoot } from '../../daemon/paths.ts';
import { STATE_NAME, unfinishedRun } from '../../daemon/training/trainingState.ts';
import { temporaryFolder, writeDataset } from '../helpers.ts';
import { smallDisk } from '../smallDisk.ts';
import { fail, runCli, startCli, succeed } from './runCli.ts';

const folder = temporaryFolder();
const path = (...names: string[]) => join(folder, ...names);
const EPOCHS = 16;
const settings = ['--recipe', 'reference', '--epochs', String(EPOCHS), '--patience', '0'];
const train = (name: string, ...more: string[]) => [
  'train',
  ...['--data-root', path('data'), ...settings],
  ...['--model-dir', path(name, 'm'), '--reports-dir', path(name, 'r'), ...more],
];
/** What is in the files that a run leaves. */
const results = (name: string) =>
  Promise.all(
    [
      ['m', 'deepfake_cnn.safetensors'],
      ['m', 'model_config.json'],
      ['r', 'metrics.json'],
    ].map((file) => readFile(path(name, ...file), 'latin1')),
  );
const MODEL_FILES = ['deepfake_cnn.safetensors', 'model_config.json'];
/** What comes on standard output before a run is refused. */
const DATASET_LINE = /^\d+ Genuine and .*\n$/;

/** Starts a run and ends it with a signal when it has printed something; the exit code and what it said. */
async function interrupt(args: string[], awaited: string, signal: NodeJS.Signals) {
  const child = startCli(args);
  let stdout = '';
  let sent = false;
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
    if (sent || !stdout.includes(awaited)) return;
    sent = true;
    child.kill(signal);
  });
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  return { code, stdout, stderr };
}

before(async () => {
  await writeDataset(path('data'), 6);
  await succeed(train('unbroken'));
  // A process that is killed says nothing, whatever the system.
  const { code } = await interrupt(train('killed'), 'Epoch 002', 'SIGKILL');
  assert.notEqual(code, 0);
  assert.ok(existsSync(path('killed', 'm', STATE_NAME)));
});

/** A copy of the run that was killed after its second epoch. */
async function killedRun(name: string): Promise<string> {
  await cp(path('killed'), path(name), { recursive: true });
  return path(name, 'm', STATE_NAME);
}

describe('a training run that was killed', () => {
  it('goes on with --resume and ends as the unbroken one: same weights, configuration and metrics', async () => {
    await killedRun('resumed');
    // What a killed process was writing; no process has a number as large as this.
    await writeFile(path('resumed', 'm', `${STATE_NAME}.999999999.tmp`), 'half a state');
    await writeFile(path('resumed', 'm', 'notes.tmp'), "the user's own");
    const stdout = await succeed(train('resumed', '--resume'));
    assert.match(stdout, /^Going on in epoch \d+ of 16\.$/m);
    assert.doesNotMatch(stdout, /^Epoch 001 /m);
    assert.match(stdout, /^Epoch 016 /m);
    assert.deepEqual(await results('resumed'), await results('unbroken'));
    assert.deepEqual((await readdir(path('resumed', 'm'))).sort(), [...MODEL_FILES, 'notes.tmp']);
  });

  it('is not given up by accident', async () => {
    const state = await killedRun('protected');
    const bytes = await readFile(state);
    await fail(train('protected'), state, /not finished.*--resume.*--fresh/, DATASET_LINE);
    assert.deepEqual(await readFile(state), bytes);
  });

  it('is given up with --fresh', async () => {
    await killedRun('fresh');
    assert.match(await succeed(train('fresh', '--fresh', '--epochs', '1')), /^Epoch 001 /m);
    assert.equal(existsSync(path('fresh', 'm', STATE_NAME)), false);
  });

  it('does not go on with other settings, another recipe or other data, and is told what differs', async () => {
    const state = await killedRun('other');
    const more = ['--data-root', path('more', 'data')];
    const refused = (message: RegExp, ...more: string[]) =>
      fail(train('other', '--resume', ...more), state, message, DATASET_LINE);
    await refused(
      /--seed \(42 then, 43 now\), names, labels or parts of the clips\. .*--fresh/,
      '--seed',
      '43',
    );
    await refused(
      /with something else: --epochs \(16 then, 17 now\), --lr \(0\.001 then, 0\.1 now\)\./,
      '--epochs',
      '17',
      '--lr',
      '0.1',
    );
    await refused(
      /--recipe \(reference then, default now\).*features\.nFft.*augmentation/,
      '--recipe',
      'default',
    );
    await cp(path('data'), path('more', 'data'), { recursive: true });
    const sound = path('data', 'genuine', 'clip4.wav');
    await cp(sound, path('more', 'data', 'genuine', 'clip6.wav'));
    await refused(/number of clips \(12 then, 13 now\)/, ...more);
    await rm(path('more', 'data', 'genuine', 'clip6.wav'));
    // Another sound of the same length in the place of one.
    await cp(sound, path('more', 'data', 'genuine', 'clip5.wav'));
    await refused(/with something else: content of the clips\./, ...more);
    // The same data elsewhere are the same data.
    await cp(path('data', 'genuine', 'clip5.wav'), path('more', 'data', 'genuine', 'clip5.wav'));
    assert.match(await succeed(train('other', '--resume', ...more)), /^Going on/m);
    assert.deepEqual(await results('other'), await results('unbroken'));
  });

  it('says so where its state is damaged, and begins anew on request', async () => {
    const state = await killedRun('damaged');
    const bytes = await readFile(state);
    for (const damaged of [bytes.subarray(0, bytes.length - 1), Buffer.from('{}'), Buffer.alloc(0)]) {
      await writeFile(state, damaged);
      for (const more of [['--resume'], []]) {
        await fail(train('damaged', ...more), state, /no usable state.*--fresh/, DATASET_LINE);
      }
    }
    await succeed(train('damaged', '--fresh', '--epochs', '1'));
  });
});

describe('--resume', () => {
  it('fails where there is nothing to resume', () =>
    fail(
      train('nothing', '--resume'),
      path('nothing', 'm'),
      /no unfinished run.*leave --resume out/,
      DATASET_LINE,
    ));

  it('excludes --fresh', async () => {
    const { code, stderr } = await runCli(train('both', '--resume', '--fresh'));
    assert.equal(code, 1);
    assert.match(stderr, /--fresh.*cannot be used with.*--resume/);
  });
});

const interruptible = { skip: process.platform === 'win32' && 'no SIGINT on Windows' };

describe('a training run that is cancelled', () => {
  it('says that it can go on, and does', interruptible, async () => {
    const { code, stdout, stderr } = await interrupt(train('stopped'), 'Epoch 003', 'SIGINT');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^Kept epoch \d+ of \d+/m);
    assert.match(stdout, /^The run is not finished: the same command with --resume goes on with it\.$/m);
    await succeed(train('stopped', '--resume'));
    assert.deepEqual(await results('stopped'), await results('unbroken'));
  });

  it('says plainly that nothing was trained where clips were still being read', interruptible, async () => {
    // Enough to read for the signal to come in the middle of it.
    await writeDataset(path('many'), 100);
    const args = train('early', '--data-root', path('many'), '--no-feature-cache', '--num-workers', '1');
    const { code, stderr } = await interrupt(args, 'Genuine and', 'SIGINT');
    assert.deepEqual(
      [code, stderr],
      [1, 'error: Training was cancelled while the clips were being read: nothing was trained.\n'],
    );
    assert.deepEqual(await readdir(path('early', 'm')), []);
  });
});

describe('two training runs into one folder', () => {
  it('are not possible at the same time', async () => {
    const first = startCli(train('shared', '--epochs', '100000'));
    await once(first.stdout, 'data');
    await new Promise<void>((resolve) => {
      first.stdout.on('data', (chunk) => String(chunk).includes('Epoch 001') && resolve());
    });
    const lock = path('shared', 'm', 'lock');
    await fail(
      train('shared', '--fresh'),
      lock,
      new RegExp(`Process ${first.pid} is training into the same folder: wait`),
      DATASET_LINE,
    );
    first.kill('SIGKILL');
    await once(first, 'close');
    assert.ok(existsSync(lock));
    // The killed owner's lock stands in nobody's way.
    await succeed(train('shared', '--fresh', '--epochs', '1'));
    assert.equal(existsSync(lock), false);
  });
});

describe('a full disk', () => {
  it('ends the run with a sentence and keeps the last good state, which goes on once there is room', async (t) => {
    const skip = smallDisk(path('disk'), 2_000_000);
    if (skip) return t.skip(skip);
    const args = [...train('disk'), '--model-dir', path('disk', 'm')];
    const child = startCli(args);
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    await new Promise<void>((resolve) => {
      child.stdout.on('data', () => stdout.includes('Epoch 002') && resolve());
    });
    const ended = Promise.all([text(child.stderr), once(child, 'close')]);
    const filler = await open(path('disk', 'filler'), 'w');
    // Again and again: a file that the run replaces makes room.
    while (child.exitCode === null) {
      await filler.write(Buffer.alloc(4096)).catch(({ code }) => assert.equal(code, 'ENOSPC'));
    }
    await filler.close();
    const [stderr, [code]] = await ended;
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: The disk is full: \S+ could not be written\. Make room [^\n]*\(--resume\)\.\n$/,
    );
    assert.ok(stderr.includes(path('disk', 'm')));
    await readModel(path('disk', 'm', 'deepfake_cnn.safetensors'));
    assert.ok(await unfinishedRun(path('disk', 'm')));
    assert.deepEqual((await readdir(path('disk', 'm'))).sort(), [...MODEL_FILES, STATE_NAME]);
    await rm(path('disk', 'filler'));
    await succeed([...args, '--resume']);
    assert.deepEqual((await results('disk')).slice(0, 2), (await results('unbroken')).slice(0, 2));
  });

  it('for the reports alone does not cost the training', async (t) => {
    const skip = smallDisk(path('reports'), 4096);
    if (skip) return t.skip(skip);
    const args = train('unreported');
    await fail(
      [...args, '--reports-dir', path('reports')],
      path('reports'),
      /disk is full.*--resume/,
      /Epoch 016/,
    );
    const stdout = await succeed([...args, '--resume']);
    assert.match(stdout, /^Going on in epoch 16 of 16\.$/m);
    assert.doesNotMatch(stdout, /^Epoch 016 /m);
    assert.deepEqual(await results('unreported'), await results('unbroken'));
  });
});

describe('scripts/killResume.mjs', () => {
  it('kills runs of the default recipe at random and finds equal weights', async () => {
    const script = join(packageRoot, 'scripts', 'killResume.mjs');
    const args = ['--built', '--times', '2', '--clips', '6', '--epochs', '6'];
    const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    assert.deepEqual([code, stderr], [0, ''], stdout);
    assert.match(stdout, /^All 2 ended with equal weights, configuration and metrics\.$/m);
  });
});
