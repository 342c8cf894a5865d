import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, it } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { loadAudio } from '../../daemon/audio/loadAudio.ts';
import { LogSpectrogram } from '../../daemon/features/logSpectrogram.ts';
import { extractWindow } from '../../daemon/features/windows.ts';
import { readModel } from '../../daemon/model/checkpoint.ts';
import { shippedCheckpoint } from '../../daemon/paths.ts';
import {
  REFERENCE_CHECKPOINT,
  REFERENCE_METRICS,
  temporaryFolder,
  writeDataset,
  writeTestSound,
} from '../helpers.ts';
import { fail, runCli, startCli, succeed } from './runCli.ts';

const EPOCH_LINE = /^Epoch \d{3} loss=\d+\.\d{4} val_acc=[01]\.\d{4} val_eer=[01]\.\d{4} val_f1=[01]\.\d{4}$/;
const folder = temporaryFolder();
const path = (...names: string[]) => join(folder, ...names);
const outputs = (name: string) => ['--model-dir', path(name, 'm'), '--reports-dir', path(name, 'r')];
const model = (name: string) => path(name, 'm', 'deepfake_cnn.safetensors');

before(() => writeDataset(path('data'), 12));

for (const recipe of ['reference', 'default']) {
  describe(`train with the ${recipe} recipe`, () => {
    let stdout = '';
    let metrics: Record<string, unknown> = {};
    before(async () => {
      const args = ['--data-root', path('data'), '--epochs', '2', '--recipe', recipe, ...outputs(recipe)];
      stdout = await succeed(['train', ...args]);
      metrics = JSON.parse(await readFile(path(recipe, 'r', 'metrics.json'), 'utf8'));
    });

    it("prints a line per epoch in the reference's form", () => {
      const epochs = stdout.split('\n').filter((line) => line.startsWith('Epoch'));
      assert.equal(epochs.length, 2);
      for (const line of epochs) assert.match(line, EPOCH_LINE);
      assert.ok(epochs[1].startsWith('Epoch 002 '));
      assert.match(stdout, /^12 Genuine and 12 Deepfake clips: 20 to train on, 4 to validate\.$/m);
    });

    it('writes checkpoint, configuration, metrics and picture', async () => {
      assert.deepEqual((await readdir(path(recipe, 'm'))).sort(), [
        'deepfake_cnn.safetensors',
        'model_config.json',
      ]);
      const picture = await readFile(path(recipe, 'r', 'confusion_matrix.png'));
      assert.deepEqual(picture.subarray(1, 4).toString(), 'PNG');
      assert.deepEqual(Object.keys(metrics).slice(0, 6), REFERENCE_METRICS);
      const { config } = await readModel(model(recipe));
      assert.deepEqual(config.windows.use, recipe === 'reference' ? 'first' : 'all');
      assert.deepEqual(config.features.scale, recipe === 'reference' ? 'mel' : 'linear');
    });

    it('makes a model that evaluate and predict take', async () => {
      const args = [
        '--data-root',
        path('data'),
        '--model',
        model(recipe),
        '--reports-dir',
        path(recipe, 'e'),
      ];
      const config = path(recipe, 'm', 'model_config.json');
      assert.match(await succeed(['evaluate', ...args, '--config', config]), /^Accuracy \d/m);
      const evaluated = JSON.parse(await readFile(path(recipe, 'e', 'metrics.json'), 'utf8'));
      assert.equal(
        evaluated.confusion_matrix.flat().reduce((sum: number, n: number) => sum + n, 0),
        24,
      );
      assert.ok(existsSync(path(recipe, 'e', 'confusion_matrix.png')));
      const clip = path('data', 'genuine', 'clip0.wav');
      assert.equal(JSON.parse(await succeed(['predict', clip, '--model', model(recipe)])).file, clip);
    });
  });
}

describe('train', () => {
  it('gives the same model and metrics for the same seed, and finds the data in DATASET_ROOT', async () => {
    const args = ['--epochs', '2', '--recipe', 'reference', '--num-workers', '1', ...outputs('again')];
    await succeed(['train', ...args], { DATASET_ROOT: path('data') });
    assert.deepEqual(await readFile(model('again')), await readFile(model('reference')));
    const metrics = (name: string) => readFile(path(name, 'r', 'metrics.json'), 'utf8');
    assert.equal(await metrics('again'), await metrics('reference'));
  });

  it('keeps the best epoch on Ctrl+C, and cleans up', {
    skip: process.platform === 'win32' && 'no SIGINT on Windows',
  }, async () => {
    await mkdir(path('tmp'));
    const child = startCli([
      'train',
      '--data-root',
      path('data'),
      '--epochs',
      '100000',
      ...outputs('stopped'),
    ]);
    let printed = '';
    child.stdout.on('data', (chunk) => {
      const before = printed.includes('Epoch 001');
      printed += chunk;
      // Once: a second Ctrl+C ends the process on the spot.
      if (!before && printed.includes('Epoch 001')) child.kill('SIGINT');
    });
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(printed, /^Kept epoch \d+ of \d+/m);
    await readModel(model('stopped'));
    assert.ok(existsSync(path('stopped', 'r', 'metrics.json')));
    assert.deepEqual(await readdir(path('tmp')), []);
  });
});

describe('train and evaluate refuse, in one line,', { concurrency: 2 }, () => {
  for (const command of ['train', 'evaluate']) {
    const args = (root: string) => [
      ...(command === 'train'
        ? outputs('refused')
        : ['--reports-dir', path('refused'), '--model', model('reference')]),
      '--data-root',
      root,
    ];
    it(`${command}: a folder that is not there`, () =>
      fail([command, ...args(path('nowhere'))], path('nowhere'), /./));

    it(`${command}: a folder with one class only`, async () => {
      const root = path(`one class ${command}`);
      await mkdir(join(root, 'genuine'), { recursive: true });
      await writeTestSound(join(root, 'genuine', 'a.wav'), 'noise', 1, 1);
      await writeTestSound(join(root, 'genuine', 'b.wav'), 'noise', 1, 2);
      await fail([command, ...args(root)], root, /Genuine|Deepfake/);
    });

    it(`${command}: a folder with files that nothing labels`, async () => {
      const root = path(`unlabelled ${command}`);
      await writeDataset(root, 2);
      await writeTestSound(join(root, 'mystery.wav'), 'noise', 1, 1);
      await fail([command, ...args(root)], 'mystery.wav', /label/);
    });

    it(`${command}: an empty folder`, async () => {
      const root = path(`empty ${command}`);
      await mkdir(root);
      await fail([command, ...args(root)], root, /./);
    });

    it(`${command}: a data set with a clip that is no audio`, async () => {
      const root = path(`broken ${command}`);
      await writeDataset(root, 3);
      await writeFile(join(root, 'genuine', 'text.mp3'), 'no audio at all, but quite some text');
      await fail([command, ...args(root)], 'text.mp3', /audio/, /^(\d+ Genuine and .*\n)?$/);
    });
  }

  it('no data at all', async () => {
    const { code, stderr } = await runCli(['train', ...outputs('refused')]);
    assert.equal(code, 1);
    assert.match(stderr, /^error: [^\n]*--data-root[^\n]*\n$/);
  });

  it('numbers that make no sense', async () => {
    const mistakes = [
      ['--epochs', '0'],
      ['--batch-size', 'many'],
      ['--val-size', '1'],
      ['--seed', '-1'],
      ['--lr', 'fast'],
    ];
    await Promise.all(
      mistakes.map(async ([option, value]) => {
        const { code, stderr } = await runCli([
          'train',
          '--data-root',
          path('data'),
          option,
          value,
          ...outputs('refused'),
        ]);
        assert.equal(code, 1, option);
        assert.match(stderr, new RegExp(`^error: option '${option} [^\n]+ is invalid`), option);
      }),
    );
  });

  it('a place that cannot be written to, before any work is done', async () => {
    await writeFile(path('file'), '');
    await fail(
      ['train', '--data-root', path('data'), '--model-dir', path('file', 'm'), '--reports-dir', path('x')],
      path('file', 'm'),
      /--model-dir/,
      /^\d+ Genuine and .*\n$/,
    );
  });

  it('leave nothing behind', () =>
    assert.equal(existsSync(path('refused', 'm', 'deepfake_cnn.safetensors')), false));
});

describe('export', () => {
  it('writes an ONNX model that gives the same logit in ONNX Runtime', async () => {
    const clip = path('data', 'deepfake', 'clip3.wav');
    const onnx = path('exported', 'model.onnx');
    await succeed(['export', '--model', model('reference'), '--onnx', onnx]);
    const { config } = await readModel(model('reference'));
    const { samples } = await loadAudio(clip, { sampleRate: config.features.sampleRate });
    const features = (await LogSpectrogram.create(config.features)).features(
      extractWindow(samples, 0, config.features),
    );
    const session = await InferenceSession.create(onnx);
    const { logit } = await session.run({ features: new Tensor('float32', features, [1, 1, 64, 251]) });
    await session.release();
    const verdict = JSON.parse(await succeed(['predict', clip, '--model', model('reference')]));
    assert.ok(Math.abs(Number(logit.data[0]) - verdict.windows[0].logit) < 1e-5);
  });
});

describe('import', () => {
  const skip = existsSync(REFERENCE_CHECKPOINT) ? false : `${REFERENCE_CHECKPOINT} is not there`;
  it("turns the reference's checkpoint into a model", { skip }, async () => {
    await succeed(['import', REFERENCE_CHECKPOINT, '--out', path('imported')]);
    assert.deepEqual((await readdir(path('imported'))).sort(), [
      'deepfake_cnn.safetensors',
      'model_config.json',
    ]);
    const clip = path('data', 'genuine', 'clip0.wav');
    const args = ['predict', clip, '--model', path('imported', 'deepfake_cnn.safetensors')];
    const direct = ['predict', clip, '--model', REFERENCE_CHECKPOINT];
    const [imported, original] = [JSON.parse(await succeed(args)), JSON.parse(await succeed(direct))];
    assert.equal(imported.deepfake_probability, original.deepfake_probability);
  });

  it('refuses what is no checkpoint and leaves nothing behind', async () => {
    const bad = path('bad.pth');
    await writeFile(bad, 'not a checkpoint');
    await writeFile(path('model_config.json'), await readFile(path('reference', 'm', 'model_config.json')));
    await fail(['import', bad, '--out', path('never')], bad, /not a readable zip/);
    await rm(path('model_config.json'));
    await fail(['import', bad, '--out', path('never')], path('model_config.json'), /--config/);
    assert.equal(existsSync(path('never')), false);
  });
});

describe('evaluate with the shipped model', () => {
  const skip = existsSync(shippedCheckpoint) ? false : 'no model is shipped yet';
  it('needs neither --model nor --config', { skip }, async () => {
    const args = ['--data-root', path('data'), '--sample-per-class', '2', '--reports-dir', path('shipped')];
    await succeed(['evaluate', ...args]);
    const { confusion_matrix } = JSON.parse(await readFile(path('shipped', 'metrics.json'), 'utf8'));
    assert.equal(
      confusion_matrix.flat().reduce((sum: number, n: number) => sum + n, 0),
      4,
    );
  });
});
