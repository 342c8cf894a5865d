import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobOf, taskName } from '../../../extension/training/deepfakeTask.ts';

const train = { type: 'deepfake', command: 'train', dataRoot: 'data/voices' };

test('a task that names its data trains with the default recipe, beside it in the workspace', () => {
  assert.deepEqual(jobOf(train, '/work'), {
    command: 'train',
    params: {
      dataRoot: '/work/data/voices',
      modelDir: '/work/models/voices',
      reportsDir: '/work/reports/voices',
      recipe: 'default',
    },
  });
});

test('paths count from the workspace folder unless they are absolute, also that of a recipe file', () => {
  const { params } = jobOf({ ...train, dataRoot: '/data', modelDir: 'm', recipe: 'my/recipe.json' }, '/work');
  assert.deepEqual(params, {
    dataRoot: '/data',
    modelDir: '/work/m',
    reportsDir: '/work/reports/data',
    recipe: '/work/my/recipe.json',
  });
});

test('an evaluation takes its own options and no others', () => {
  const definition = {
    ...train,
    command: 'evaluate',
    epochs: 3,
    checkpoint: 'm/x.safetensors',
    samplePerClass: 5,
  };
  assert.deepEqual(jobOf(definition, '/work').params, {
    dataRoot: '/work/data/voices',
    reportsDir: '/work/reports/voices',
    samplePerClass: 5,
    checkpoint: '/work/m/x.safetensors',
  });
});

test('what cannot be meant is refused by its name', () => {
  for (const [wrong, message] of [
    [{ command: 'teach' }, /"command".*"train" or "evaluate"/],
    [{ dataRoot: undefined }, /"dataRoot"/],
    [{ epochs: '3' }, /"epochs".*"3"/],
    [{ epochs: 0 }, /"epochs"/],
    [{ valSize: 1 }, /"valSize"/],
    [{ patience: -1 }, /"patience"/],
    [{ modelDir: '' }, /"modelDir"/],
    [{ lr: Number.NaN }, /"lr"/],
  ] as const) {
    assert.throws(() => jobOf({ ...train, ...wrong }, '/work'), message);
  }
});

test('a task is called after what it does', () => {
  assert.equal(taskName({ command: 'train', dataRoot: 'voices' }), 'train on voices');
  assert.equal(taskName({ command: 'evaluate', dataRoot: 'voices' }), 'evaluate on voices');
});
