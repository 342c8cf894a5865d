import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';
import { CARD_NAME, type ModelCard, withFigures } from '../../scripts/lab/card.ts';
import type { GroupScores } from '../../scripts/lab/scoring.ts';

const group: GroupScores = {
  name: 'all',
  genuine: 92,
  deepfake: 91,
  eer: 0.125,
  eerInterval: [0.08, 0.17],
  referenceEer: 0.48,
  auc: 0.953,
  accuracy: 0.874,
  accuracyInterval: [0.82, 0.92],
  genuineAccuracy: 0.891,
  deepfakeAccuracy: 0.857,
  f1: 0.872,
  hter: 0.126,
  cllr: 0.449,
  decided: 100,
  decidedRight: 98,
  refused: 3,
};
const card: ModelCard = {
  model: 'Test',
  checkpoint_sha256: 'ab'.repeat(32),
  training_clips: 10,
  recipe: {},
  inconclusive: { low: 0.21, high: 0.76 },
  cross_validation: {
    recipe: 'Test',
    folds: [{ fold: 'a', seed: 1, eer: 0.2, genuine: 40, deepfake: 60, seconds: 1 }],
    seeds: [1],
    meanEer: 0.2,
    worstEer: 0.24,
    joinedMeanEer: 0.19,
    joinedWorstEer: 0.23,
    seedDeviation: 0,
    pooledEer: 0.215,
    pooledEerInterval: [0.194, 0.234],
    auc: 0.868,
    threshold: 0,
    heldOut: [],
    systems: [{ name: 'WaveRNN', clips: 60, errorRate: 0.39, eer: 0.22, eerInterval: [0.15, 0.3] }],
    sources: [{ name: 'LibriSpeech', clips: 40, errorRate: 0.17 }],
  },
  scored: {
    model: 'Test',
    checkpointSha256: 'ab'.repeat(32),
    manifest: 'manifest.csv',
    part: 'test',
    threshold: 0.5,
    inconclusive: { low: 0.21, high: 0.76 },
    groups: [group],
    coverage: [{ decided: 0.5, wrong: 0.02 }],
    robustness: [group, { ...group, name: 'MP3 64 kbit/s', eer: 0.15 }],
    left: [],
  },
};
const place = [
  'before',
  '<!-- figures of model_card.json, written by npm run lab -- --card -->',
  'figures of yesterday',
  '<!-- end of the figures -->',
  'after',
].join('\n');

describe('a model card', () => {
  it('has the figures of its JSON file, and keeps what people wrote around them', () => {
    const text = withFigures(place, card, 'README.md');
    assert.ok(text.startsWith('before\n') && text.endsWith('\nafter') && !text.includes('yesterday'));
    for (const figure of [
      'ab'.repeat(32),
      '12.5 % (8.0–17.0)',
      '48.0 %',
      '98 (98.0 %)',
      '21.5 % (19.4–23.4)',
      '| MP3 64 kbit/s | 92 + 91 | 15.0 % (8.0–17.0) | 1.20 |',
      '| WaveRNN | 60 | 39.0 % | 22.0 % |',
      'between 0.21 and 0.76',
    ])
      assert.ok(text.includes(figure), figure);
    assert.equal(withFigures(text, card, 'README.md'), text);
  });

  it('without a place for the figures is refused', () => {
    assert.throws(() => withFigures('nothing', card, 'README.md'), /README\.md has no place for the figures/);
  });

  it('of the shipped model has the same figures for people and for machines', async (context) => {
    const folder = join(packageRoot, 'models');
    if (!existsSync(join(folder, CARD_NAME))) return context.skip('the shipped model has no model_card.json');
    const shipped: ModelCard = JSON.parse(await readFile(join(folder, CARD_NAME), 'utf8'));
    const config = JSON.parse(await readFile(join(folder, 'model_config.json'), 'utf8'));
    assert.equal(shipped.checkpoint_sha256, config.checkpoint_sha256);
    const text = await readFile(join(folder, 'README.md'), 'utf8');
    assert.equal(withFigures(text, shipped, 'README.md'), text);
  });
});
