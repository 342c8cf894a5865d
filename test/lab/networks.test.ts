import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { initialState } from '../../daemon/model/audioCnn.ts';
import { seededRandom } from '../../daemon/random.ts';
import { defaultRecipe } from '../../daemon/training/recipe.ts';
import { keepNetwork, keptNetwork } from '../../scripts/lab/networks.ts';
import { temporaryFolder } from '../helpers.ts';

describe('a kept network', () => {
  const training = { recipe: defaultRecipe, seed: 2 };
  const set = { name: 'systems 1', clips: [{ path: 'a.wav' }, { path: 'b.wav' }] };
  const network = { state: initialState(defaultRecipe.architecture, seededRandom(1)), steps: 7 };

  it('comes back for the clips, the recipe and the seed that it was trained with, and for no others', async () => {
    const folder = temporaryFolder();
    await keepNetwork(folder, set, training, network);
    assert.deepEqual(await keptNetwork(folder, set, training), network);
    assert.equal(await keptNetwork(folder, { ...set, name: 'systems 2' }, training), undefined);
    const fewer = { ...set, clips: set.clips.slice(1) };
    assert.equal(await keptNetwork(folder, fewer, training), undefined);
    assert.equal(await keptNetwork(folder, set, { ...training, seed: 3 }), undefined);
    const longer = { ...defaultRecipe, epochs: defaultRecipe.epochs + 1 };
    assert.equal(await keptNetwork(folder, set, { ...training, recipe: longer }), undefined);
  });
});
