import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CODECS } from '../../daemon/audio/lossyCodecs.ts';
import { referenceFeatures } from '../../daemon/features/featureConfig.ts';
import { presets, readRecipe, withUsableCodecs } from '../../daemon/training/recipe.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { isDeepfakeError, temporaryFolder } from '../helpers.ts';

const folder = temporaryFolder();
let files = 0;
async function recipeFile(content: unknown): Promise<string> {
  const path = join(folder, `recipe${files++}.json`);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

describe('a recipe', () => {
  it('named reference is what the reference does', async () => {
    const { features, epochs, batchSize, learningRate, weightDecay, patience, schedule, augmentation } =
      await readRecipe('reference');
    assert.deepEqual(features, referenceFeatures);
    assert.deepEqual([epochs, batchSize, learningRate, weightDecay, patience], [30, 32, 1e-3, 1e-4, 5]);
    assert.deepEqual([schedule, augmentation], ['constant', null]);
  });

  it('in a file takes what it leaves out from the preset that it extends', async () => {
    const path = await recipeFile({ extends: 'reference', name: 'mine', epochs: 3, learning_rate: 0.01 });
    assert.deepEqual(await readRecipe(path), {
      ...presets.reference,
      name: 'mine',
      epochs: 3,
      learningRate: 0.01,
    });
    assert.deepEqual(await readRecipe(await recipeFile({ name: 'same' })), {
      ...presets.default,
      name: 'same',
    });
  });

  it('in a file can switch augmentation off', async () => {
    assert.equal((await readRecipe(await recipeFile({ augmentation: null }))).augmentation, null);
  });

  it('goes without the codecs that need an ffmpeg that is not there, and says so', async () => {
    const path = await recipeFile({ augmentation: { codec: { probability: 0.5 }, crop: 1 } });
    const recipe = await readRecipe(path);
    assert.equal(recipe.augmentation?.codec?.codecs.length, CODECS.length);
    const warnings: string[] = [];
    const usable = await withUsableCodecs(recipe, join(folder, 'no-ffmpeg'), (text) => warnings.push(text));
    assert.deepEqual(usable.augmentation, {
      crop: 1,
      codec: { probability: 0.5, codecs: ['g711'], variants: 3 },
    });
    assert.match(warnings.join(), /mp3-64k.*install it from https:\/\/ffmpeg.org/);
    const plain = presets.default;
    assert.equal(await withUsableCodecs(plain, join(folder, 'no-ffmpeg'), assert.fail), plain);
  });

  it('that is neither a file nor a preset is not found', async () => {
    await assert.rejects(
      readRecipe('refrence'),
      isDeepfakeError(ErrorCode.ConfigNotFound, 'refrence', /default, reference/),
    );
  });

  for (const [what, content, message] of [
    ['is not JSON', '{', /not JSON/],
    ['has an unknown field', { epoch: 3 }, /epoch/],
    ['has no epochs', { epochs: 0 }, /epochs: /],
    ['has a negative rate', { learning_rate: -1 }, /learning_rate: /],
    ['has batches of one clip', { batch_size: 1 }, /batch_size: /],
    [
      'has more blocks than its frames can be halved',
      {
        audio: {
          sample_rate: 16000,
          duration: 0.1,
          n_mels: 64,
          n_fft: 512,
          hop_length: 256,
          fmin: 0,
          fmax: 8000,
        },
        architecture: { channels: [2, 2, 2, 2, 2], dropout: 0 },
      },
      /5 blocks are too many for 64 bands and 7 frames/,
    ],
    ['extends something unknown', { extends: 'best' }, /extends: /],
    [
      'masks with a probability above one',
      { augmentation: { bandMask: { probability: 2, bands: 3 } } },
      /augmentation\.bandMask\.probability: /,
    ],
  ] as const) {
    it(`is refused where it ${what}`, async () => {
      const path = await recipeFile(content);
      await assert.rejects(readRecipe(path), isDeepfakeError(ErrorCode.ConfigInvalid, path, message));
    });
  }
});
