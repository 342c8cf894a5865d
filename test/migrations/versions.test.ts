import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readModel } from '../../daemon/model/checkpoint.ts';
import { packSafetensors, unpackSafetensors } from '../../daemon/model/safetensors.ts';
import { packageRoot } from '../../daemon/paths.ts';
import { ResultStore } from '../../daemon/scan/resultStore.ts';
import { STATE_NAME, unfinishedRun } from '../../daemon/training/trainingState.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { isDeepfakeError, temporaryFolder } from '../helpers.ts';

const FIXTURES = join(packageRoot, 'test', 'fixtures');
const folder = temporaryFolder();

for (const version of readdirSync(FIXTURES).filter((name) => name.startsWith('version-'))) {
  const place = join(folder, version);
  cpSync(join(FIXTURES, version), place, { recursive: true });

  describe(`what ${version.replace('version-', 'version ')} has written`, () => {
    it('is opened: a checkpoint with its configuration', async () => {
      const { state, config } = await readModel(join(place, 'deepfake_cnn.safetensors'));
      assert.equal(config.name, 'Small');
      assert.deepEqual(config.architecture.channels, [1, 2]);
      assert.equal(state.size, 14);
    });

    it('is opened: the state of a training run', async () => {
      const run = await unfinishedRun(place);
      assert.ok(run);
      const { epoch, batch, network, best } = run.state({ channels: [1, 2], dropout: 0.25 });
      assert.deepEqual([epoch, batch, network.step, best?.epoch], [2, 3, 7, 1]);
    });

    it('is opened: a store of results', async () => {
      const store = await ResultStore.open(join(place, 'results.mdb'), assert.fail);
      assert.equal(store.size, 1);
      const contentHash = 'ab'.repeat(32);
      assert.equal(store.contentHash('/a.wav', '1 2 3'), contentHash);
      const result = store.result({ contentHash, profile: 'cd'.repeat(32) });
      assert.ok(result && 'error' in result && result.error.message.includes('is not an audio file'));
      await store.close();
    });
  });

  describe('what a newer version has written', () => {
    it('is refused with a sentence where it is a training state of another format', async () => {
      const newer = join(folder, 'newer');
      cpSync(place, newer, { recursive: true });
      const { tensors, metadata } = unpackSafetensors(readFileSync(join(newer, STATE_NAME)));
      const run = JSON.stringify({ ...JSON.parse(metadata.run), format: 2 });
      writeFileSync(join(newer, STATE_NAME), packSafetensors({ tensors, metadata: { run } }));
      await assert.rejects(
        unfinishedRun(newer),
        isDeepfakeError(ErrorCode.CheckpointInvalid, join(newer, STATE_NAME), /another version.*--fresh/),
      );
    });

    it('is refused with a sentence where a configuration asks for what is not known here', async () => {
      const config = join(folder, 'newer-config.json');
      const json = JSON.parse(readFileSync(join(place, 'model_config.json'), 'utf8'));
      json.audio.scale = 'some later scale';
      writeFileSync(config, JSON.stringify(json));
      await assert.rejects(
        readModel(join(place, 'deepfake_cnn.safetensors'), config),
        isDeepfakeError(ErrorCode.ConfigInvalid, config, /audio\.scale/),
      );
    });
  });
}
