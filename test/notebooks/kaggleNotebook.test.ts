import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { packageRoot } from '../../daemon/paths.ts';
import { temporaryFolder, testSound, writeSound } from '../helpers.ts';

interface Cell {
  cell_type: 'markdown' | 'code';
  source: string[];
  outputs?: unknown[];
}

const notebook = join(packageRoot, 'notebooks', 'deepfake_audio_kaggle.ipynb');
const cells: Cell[] = JSON.parse(await readFile(notebook, 'utf8')).cells;
const SHELL = '%%bash\n';
const shellCells = cells.map(({ source }) => source.join('')).filter((source) => source.startsWith(SHELL));

const CLIPS_PER_CLASS = 4;
const folder = temporaryFolder();

/** Fake-or-Real as Kaggle mounts it, with a few clips in each part. */
async function attachDataset(mount: string): Promise<void> {
  const parts = ['training', 'validation', 'testing'];
  for (const [p, part] of parts.entries()) {
    for (const label of ['real', 'fake']) {
      const clips = join(mount, 'the-fake-or-real-dataset', 'for-norm', 'for-norm', part, label);
      await mkdir(clips, { recursive: true });
      for (let n = 0; n < CLIPS_PER_CLASS; n++) {
        const sound = testSound(label === 'fake' ? 'tone' : 'noise', 1, CLIPS_PER_CLASS * p + n);
        await writeSound(join(clips, `file${n}.wav`), sound);
      }
    }
  }
}

describe('the Kaggle notebook', () => {
  const missing = ['bash', 'npm'].filter((program) => spawnSync(program, ['--version']).error !== undefined);
  const skip = missing.length > 0 ? `${missing.join(' and ')} cannot be started` : false;

  it('holds no results of an earlier run', () => {
    for (const { cell_type, outputs } of cells) {
      if (cell_type === 'code') assert.deepEqual(outputs, []);
    }
  });

  it('installs, trains, evaluates and predicts on an attached data set', { skip }, async () => {
    const mount = join(folder, 'input');
    await attachDataset(mount);
    const output: string[] = [];
    for (const cell of shellCells) {
      const { stdout } = await promisify(execFile)('bash', ['-c', cell.slice(SHELL.length)], {
        cwd: folder,
        env: {
          ...process.env,
          DEEPFAKE_AUDIO_FEATURE_CACHE: join(folder, 'features'),
          KAGGLE_KERNEL_RUN_TYPE: 'Batch',
          KAGGLE_CACHE_MOUNT_FOLDER: mount,
          DEEPFAKE_AUDIO_PACKAGE: packageRoot,
          EPOCHS: '2',
          // What npm said to the process that runs the tests is not meant for the notebook's npm.
          npm_config_prefix: undefined,
          npm_config_offline: 'true',
        },
      });
      output.push(stdout);
    }
    const [install, train, evaluate, predict] = output;
    assert.match(install, /Usage: deepfake-audio/);
    assert.match(train, /12 Genuine and 12 Deepfake clips: 8 to train on, 8 to validate, 8 to test/);
    assert.match(train, /^Epoch 002 loss=/m);
    assert.match(evaluate, /^Evaluated on testing part of for-norm\.$/m);
    assert.equal([...evaluate.matchAll(/^Gate (passed|FAILED): /gm)].length, 5);
    const predictions = JSON.parse(predict);
    assert.equal(predictions.length, 2);
    for (const { label } of predictions) assert.match(label, /^(Genuine|Deepfake)$/);

    // The other cells show files that these have written.
    const shown = cells
      .filter(({ cell_type, source }) => cell_type === 'code' && !source.join('').startsWith(SHELL))
      .flatMap(({ source }) => [...source.join('').matchAll(/"(reports\/[^"]+)"/g)].map(([, path]) => path));
    assert.ok(shown.length >= 2);
    for (const path of shown) assert.ok(existsSync(join(folder, path)), path);

    const metrics = async (name: string) => JSON.parse(await readFile(join(folder, 'reports', name), 'utf8'));
    const tested = await metrics('train/test_metrics.json');
    const evaluated = await metrics('evaluate/metrics.json');
    assert.deepEqual(tested, evaluated);
    assert.deepEqual(tested.counts, { Genuine: CLIPS_PER_CLASS, Deepfake: CLIPS_PER_CLASS });
  });
});
