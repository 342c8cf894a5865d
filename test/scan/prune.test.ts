import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';
import { ResultStore } from '../../daemon/scan/resultStore.ts';
import { fail, runCli, succeed } from '../cli/runCli.ts';
import { subfolder, temporaryFolder, writeTestSound, writeUntrainedModel } from '../helpers.ts';

const folder = temporaryFolder();
const storePath = join(folder, 'store.mdb');
const hash = (digits: string) => digits.repeat(32);
const error = { error: { code: 1, message: 'no sound' } };

/** A store with these files, given by their content, each with results for the profiles. */
async function storeWith(name: string, contents: Record<string, string>, profiles: string[]) {
  const store = await ResultStore.open(join(folder, name), assert.fail);
  await Promise.all(
    Object.entries(contents).flatMap(([path, contentHash]) => [
      store.putContentHash(path, '1 2 3', contentHash),
      ...profiles.map((profile) => store.putResult({ contentHash, profile }, error)),
    ]),
  );
  return store;
}

describe('pruning kept results', () => {
  it('lets go of files that are gone, and of results that no file has any more', async () => {
    const contents = {
      '/stays': hash('aa'),
      '/gone': hash('bb'),
      '/copied': hash('cc'),
      '/copy': hash('cc'),
    };
    const store = await storeWith('gone.mdb', contents, [hash('01'), hash('02')]);
    const isGone = async (path: string) => path === '/gone' || path === '/copied';
    const expected = { files: 2, results: 2, kept: 4 };
    assert.deepEqual(await store.prune({ isGone, dryRun: true }), expected);
    assert.equal(store.size, 6);
    assert.deepEqual(await store.prune({ isGone }), expected);
    assert.equal(store.size, 4);
    assert.equal(store.contentHash('/gone', '1 2 3'), undefined);
    assert.equal(store.contentHash('/copy', '1 2 3'), hash('cc'));
    assert.deepEqual(store.result({ contentHash: hash('cc'), profile: hash('02') }), error);
    assert.deepEqual(await store.prune({ isGone }), { files: 0, results: 0, kept: 4 });
    await store.close();
  });

  it('lets go of results of a content that its file had before', async () => {
    const store = await storeWith('changed.mdb', { '/file': hash('aa') }, [hash('01')]);
    await store.putContentHash('/file', '4 5 6', hash('bb'));
    assert.deepEqual(await store.prune({ isGone: async () => false }), { files: 0, results: 1, kept: 0 });
    await store.close();
  });

  it('lets go of results that belong to other models, where that is asked for', async () => {
    const store = await storeWith('models.mdb', { '/file': hash('aa') }, [hash('01'), hash('02')]);
    const pruned = await store.prune({ isGone: async () => false, profiles: [hash('02')] });
    assert.deepEqual(pruned, { files: 0, results: 1, kept: 1 });
    assert.deepEqual(store.result({ contentHash: hash('aa'), profile: hash('02') }), error);
    await store.close();
  });

  it('goes through a store of many pages', async () => {
    const contents = Object.fromEntries(
      Array.from({ length: 1000 }, (_, i) => [`/${i}`, i.toString(16).padStart(64, '0')]),
    );
    const store = await storeWith('many.mdb', contents, [hash('01')]);
    const isGone = async (path: string) => Number(path.slice(1)) % 4 === 0;
    assert.deepEqual(await store.prune({ isGone }), { files: 250, results: 250, kept: 750 });
    await store.close();
  });

  it('keeps what was written by a version that did not keep paths', async () => {
    const path = join(folder, 'older.mdb');
    cpSync(join(packageRoot, 'test/fixtures/version-0.1.0/results.mdb'), path);
    const store = await ResultStore.open(path, assert.fail);
    assert.deepEqual(await store.prune({ isGone: async () => true }), { files: 0, results: 0, kept: 1 });
    await store.close();
  });
});

describe('deepfake-audio prune', () => {
  const clips = subfolder(folder, 'clips');
  const models: string[] = [];
  const scan = async (model: string) => {
    const { code, stdout } = await runCli(['scan', clips, '--model', model, '--store', storePath]);
    assert.equal(code, 0);
    return stdout
      .trimEnd()
      .split('\n')
      .filter((line) => JSON.parse(line).cached).length;
  };
  before(async () => {
    for (const seed of [1, 2])
      models.push((await writeUntrainedModel(join(folder, `model${seed}`), {}, seed)).checkpoint);
    for (let i = 0; i < 3; i++) await writeTestSound(join(clips, `clip${i}.wav`), 'noise', 0.6, i);
    for (const model of models) await scan(model);
    rmSync(join(clips, 'clip0.wav'));
  });

  it('says how much it would be, and then lets go of deleted files and of other models', async () => {
    const prune = (...args: string[]) => succeed(['prune', '--store', storePath, ...args]);
    const gone = `of 1 file and 2 results; 4 results stay in ${storePath}.\n`;
    assert.equal(await prune('--dry-run'), `Would let go ${gone}`);
    assert.equal(await prune(), `Let go ${gone}`);
    assert.equal(
      await prune('--other-models', '--model', models[1]),
      `Let go of 0 files and 2 results; 2 results stay in ${storePath}.\n`,
    );
    assert.equal(await scan(models[1]), 2);
    assert.equal(await scan(models[0]), 0);
  });

  it('makes no store where there is none, and says so', async () => {
    const missing = join(folder, 'missing.mdb');
    await fail(['prune', '--store', missing], missing, /There are no results of scans at/);
  });
});
