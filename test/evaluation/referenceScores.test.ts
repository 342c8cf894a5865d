import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { discoverDataset } from '../../daemon/dataset/manifest.ts';
import { calibratedProbability } from '../../daemon/evaluation/calibration.ts';
import { referenceMetrics } from '../../daemon/evaluation/metrics.ts';
import { CORPUS } from '../helpers.ts';

const scoresFile = join(CORPUS, 'reference_scores.csv');
const sigmoid = (logit: number): number => calibratedProbability(logit, { scale: 1, offset: 0 });
const skip = existsSync(scoresFile) ? false : `${scoresFile} is not there`;

describe("the reference's scores on speech that it was not made for", { skip }, () => {
  for (const [part, eer, accuracy] of [
    ['develop', 45, 52],
    ['test', 48, 53],
  ] as const) {
    it(`have an equal error rate of ${eer} % and an accuracy near ${accuracy} % on ${part}`, async () => {
      const rows = (await readFile(scoresFile, 'utf8')).trim().split('\n').slice(1);
      // The file's probabilities are rounded to eight decimals, which makes most of them equal; its logits are not.
      const logits = new Map(
        rows.map((row) => row.split(',')).map(([path, , logit]) => [path, Number(logit)]),
      );
      const { clips } = await discoverDataset(join(CORPUS, part));
      const metrics = referenceMetrics(
        clips.map(({ path }) => sigmoid(logits.get(path.slice(CORPUS.length + 1))!)),
        clips.map(({ label }) => label),
        0.5,
      );
      assert.equal(Math.round(100 * metrics.eer), eer);
      assert.ok(Math.abs(100 * metrics.accuracy - accuracy) < 1, `${metrics.accuracy}`);
    });
  }
});
