import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { findDatasetFolders } from '../../../extension/training/datasetFolders.ts';
import { temporaryFolder } from '../../helpers.ts';

async function folderWith(...paths: string[]): Promise<string> {
  const root = temporaryFolder();
  for (const path of paths) await mkdir(join(root, path), { recursive: true });
  return root;
}

test('a folder with a subfolder for each class looks like labelled data', async () => {
  const root = await folderWith('a/Real', 'a/fake', 'b/c/bona fide', 'b/c/Spoof', 'music/rock', 'only/real');
  assert.deepEqual(await findDatasetFolders(root), [join(root, 'a'), join(root, 'b', 'c')]);
});

test('the workspace folder itself may be one', async () => {
  const root = await folderWith('genuine', 'deepfake');
  assert.deepEqual(await findDatasetFolders(root), [root]);
});

test('parts of a data set are one, by the folder that holds them', async () => {
  const root = await folderWith(
    'set/training/real',
    'set/training/fake',
    'set/testing/real',
    'set/testing/fake',
  );
  assert.deepEqual(await findDatasetFolders(root), [join(root, 'set')]);
});

test('hidden folders and those of programs are not looked into', async () => {
  const root = await folderWith('.git/real', '.git/fake', 'node_modules/x/real', 'node_modules/x/fake');
  assert.deepEqual(await findDatasetFolders(root), []);
});

test('a folder that is not there holds nothing', async () => {
  assert.deepEqual(await findDatasetFolders('/nowhere/at/all'), []);
});
