import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { describeModels, modelSettingOf } from '../../../extension/model/modelFolders.ts';
import { subfolder, temporaryFolder, writeUntrainedModel } from '../../helpers.ts';

test('a model is described by the configuration beside it', async () => {
  const root = temporaryFolder();
  const training = { data: 'voices', validation_eer: 0.0625 };
  const { checkpoint, config } = await writeUntrainedModel(root, { name: 'My detector', training });
  assert.deepEqual(await describeModels([config]), [
    { checkpoint, name: 'My detector', description: 'trained on voices, validation EER 6.3 %' },
  ]);
});

test('configurations that are broken, or without a checkpoint, are left out', async () => {
  const root = temporaryFolder();
  const broken = join(subfolder(root, 'broken'), 'model_config.json');
  await writeFile(broken, '{');
  await writeFile(join(root, 'broken', 'deepfake_cnn.safetensors'), '');
  const alone = join(subfolder(root, 'alone'), 'model_config.json');
  await writeFile(alone, '{}');
  assert.deepEqual(await describeModels([broken, alone, join(root, 'missing.json')]), []);
});

test('a setting names a model of the workspace by its place in it, others by their full path', () => {
  assert.deepEqual(modelSettingOf('/work/models/a/x.safetensors', '/work'), {
    value: 'models/a/x.safetensors',
    inWorkspace: true,
  });
  for (const folder of ['/work', undefined]) {
    assert.deepEqual(modelSettingOf('/workshop/x.safetensors', folder), {
      value: '/workshop/x.safetensors',
      inWorkspace: false,
    });
  }
});
