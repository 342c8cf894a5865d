import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bootstrapIntervals, quantile } from '../../daemon/evaluation/bootstrap.ts';
import {
  confusionMatrix,
  ratesOf,
  type Tally,
  tallyEqualErrorRate,
} from '../../daemon/evaluation/metrics.ts';
import golden from '../golden/metrics.json' with { type: 'json' };

const statistics = (counts: Tally) => ({
  deepfakeAccuracy: ratesOf(confusionMatrix(counts, 0.5)).perClassAccuracy.Deepfake,
  genuineAccuracy: ratesOf(confusionMatrix(counts, 0.5)).perClassAccuracy.Genuine,
  eer: tallyEqualErrorRate(counts).eer,
});

describe('bootstrap intervals', () => {
  it(`tend to the binomial percentiles of scipy ${golden.versions.scipy} for a share`, () => {
    const { count, successes, interval } = golden.bootstrapShare;
    const probabilities = [0.1, 0.2, ...Array.from({ length: count }, (_, i) => (i < successes ? 0.9 : 0.3))];
    const labels = [0, 0, ...new Array(count).fill(1)];
    const { deepfakeAccuracy, genuineAccuracy } = bootstrapIntervals(probabilities, labels, statistics, {
      seed: 1,
      replicates: 20_000,
      level: 0.95,
    });
    assert.ok(Math.abs(deepfakeAccuracy[0] - interval[0]) <= 1 / count, `${deepfakeAccuracy}`);
    assert.ok(Math.abs(deepfakeAccuracy[1] - interval[1]) <= 1 / count, `${deepfakeAccuracy}`);
    // Classes are drawn separately: no replicate makes a genuine clip wrong or leaves the class out.
    assert.deepEqual(genuineAccuracy, [1, 1]);
  });

  it('depend on the seed only, contain the estimate and widen with the level', () => {
    const { probabilities, labels } = golden.cases[0];
    const run = (seed: number, level: number) =>
      bootstrapIntervals(probabilities, labels, statistics, { seed, replicates: 500, level });
    assert.deepEqual(run(1, 0.95), run(1, 0.95));
    assert.notDeepEqual(run(1, 0.95), run(2, 0.95));
    const narrow = run(1, 0.5).eer;
    const wide = run(1, 0.99).eer;
    assert.ok(wide[0] < narrow[0] && narrow[1] < wide[1]);
    assert.ok(wide[0] < golden.cases[0].eer && golden.cases[0].eer < wide[1]);
  });

  it(`interpolate quantiles as numpy ${golden.versions.numpy} does`, () => {
    const { values, shares, expected } = golden.quantiles;
    for (const [i, share] of shares.entries()) {
      assert.ok(Math.abs(quantile(values, share) - expected[i]) < 1e-12);
    }
    assert.equal(quantile([3], 0.975), 3);
  });
});
