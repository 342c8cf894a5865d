import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import {
  areaUnderRoc,
  confusionMatrix,
  equalErrorRate,
  logitOf,
  logLikelihoodRatioCost,
  minimumDetectionCost,
  operatingPoints,
  ratesOf,
  referenceMetrics,
  tally,
} from '../../daemon/evaluation/metrics.ts';
import { seededRandom } from '../../daemon/random.ts';
import golden from '../golden/metrics.json' with { type: 'json' };

const { versions } = golden;

function assertClose(actual: number, expected: number, tolerance = 1e-12): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

/** The reference's definition of the equal error rate, read to the letter: every threshold counts every clip. */
function equalErrorRateByCounting(scores: number[], labels: number[]) {
  const thresholds = [Infinity, ...[...new Set(scores)].sort((a, b) => b - a), -Infinity];
  const share = (label: number, accepted: (score: number) => boolean) => {
    const own = scores.filter((_, i) => labels[i] === label);
    return own.filter(accepted).length / own.length;
  };
  let best = { gap: Infinity, eer: Number.NaN, threshold: Number.NaN };
  for (const threshold of thresholds) {
    const fpr = share(0, (score) => score >= threshold);
    const fnr = share(1, (score) => score < threshold);
    if (Math.abs(fnr - fpr) < best.gap) {
      best = { gap: Math.abs(fnr - fpr), eer: (fpr + fnr) / 2, threshold };
    }
  }
  return { eer: best.eer, threshold: best.threshold };
}

/** Between 2 and 40 clips of both classes with scores from few or many values. */
function randomScores(random: RandomGenerator) {
  const count = uniformInt(random, 2, 40);
  const values = [2, 5, 1000][uniformInt(random, 0, 2)];
  const scores = Array.from({ length: count }, () => uniformInt(random, -values, values) / values);
  const labels = Array.from({ length: count }, () => uniformInt(random, 0, 1));
  labels[0] = 0;
  labels[1] = 1;
  if (uniformInt(random, 0, 9) === 0) {
    scores[uniformInt(random, 0, count - 1)] = Infinity;
    scores[uniformInt(random, 0, count - 1)] = -Infinity;
  }
  return { scores, labels };
}

describe('the equal error rate', () => {
  it('is what counting at every threshold gives, ties and infinities included', () => {
    const random = seededRandom(1);
    for (let round = 0; round < 2000; round++) {
      const { scores, labels } = randomScores(random);
      assert.deepEqual(
        equalErrorRate(scores, labels),
        equalErrorRateByCounting(scores, labels),
        JSON.stringify({ scores, labels }),
      );
    }
  });

  it('is 0 for separated classes, 1 for exchanged ones and one half where all scores are equal', () => {
    assert.deepEqual(equalErrorRate([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]), { eer: 0, threshold: 0.8 });
    assert.equal(equalErrorRate([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0]).eer, 1);
    assert.deepEqual(equalErrorRate([0.3, 0.3, 0.3], [0, 1, 0]), { eer: 0.5, threshold: Infinity });
  });

  it('takes the first of equally good thresholds', () => {
    // At 0.8 and at 0.4 the rates differ by one half; their means are 0.25 and 0.75.
    assert.deepEqual(equalErrorRate([0.8, 0.6, 0.4, 0.2], [1, 0, 0, 1]), { eer: 0.5, threshold: 0.6 });
    assert.deepEqual(equalErrorRate([0.9, 0.5, 0.5], [1, 1, 0]), { eer: 0.25, threshold: 0.9 });
  });

  it('handles 200,000 clips at once', () => {
    const random = seededRandom(5);
    const labels = Array.from({ length: 200_000 }, (_, i) => i % 2);
    const scores = labels.map((label) => uniformInt(random, 0, 1_000_000) / 1_000_000 + 0.2 * label);
    // Two uniform distributions of width 1 shifted by 0.2 meet at an error of 0.4.
    assertClose(equalErrorRate(scores, labels).eer, 0.4, 0.005);
  });
});

describe(`metrics equal scikit-learn ${versions['scikit-learn']}'s`, () => {
  for (const expected of golden.cases) {
    it(`on scores that are ${expected.name}`, () => {
      const metrics = referenceMetrics(expected.probabilities, expected.labels, expected.threshold);
      assertClose(metrics.accuracy, expected.accuracy);
      assertClose(metrics.f1, expected.f1);
      assertClose(metrics.eer, expected.eer);
      assert.deepEqual(metrics.confusion_matrix, expected.confusionMatrix);
      assertClose(metrics.per_class_accuracy.Genuine, expected.perClassAccuracy[0]);
      assertClose(metrics.per_class_accuracy.Deepfake, expected.perClassAccuracy[1]);
      assert.equal(metrics.threshold, expected.threshold);

      const counts = tally(expected.probabilities, expected.labels);
      assert.equal(equalErrorRate(expected.probabilities, expected.labels).threshold, expected.eerThreshold);
      assertClose(areaUnderRoc(counts), expected.auc);
      assertClose(minimumDetectionCost(counts), expected.minDcf);
      const logits = { ...counts, scores: counts.scores.map(logitOf) };
      assertClose(logLikelihoodRatioCost(logits), expected.cllr, 1e-9);
    });
  }
});

describe('metrics at a threshold', () => {
  it('give the published figures for the published confusion matrix', () => {
    const { accuracy, f1, perClassAccuracy } = ratesOf([
      [5384, 4],
      [1041, 4344],
    ]);
    assert.equal((100 * accuracy).toFixed(2), '90.30');
    assert.equal(f1.toFixed(3), '0.893');
    assert.equal((100 * perClassAccuracy.Genuine).toFixed(2), '99.93');
    assert.equal((100 * perClassAccuracy.Deepfake).toFixed(2), '80.67');
  });

  it('count a score equal to the threshold as Deepfake', () => {
    const counts = tally([0.5, 0.5, 0.4999], [0, 1, 1]);
    assert.deepEqual(confusionMatrix(counts, 0.5), [
      [0, 1],
      [1, 1],
    ]);
  });

  it('put F1 at 0 where nothing true was found, and HTER at the mean of both error rates', () => {
    assert.equal(
      ratesOf([
        [5, 0],
        [3, 0],
      ]).f1,
      0,
    );
    assert.equal(
      ratesOf([
        [3, 1],
        [1, 1],
      ]).hter,
      0.375,
    );
  });
});

describe('ranking metrics', () => {
  it('agree with counting pairs, ties counting half', () => {
    const random = seededRandom(2);
    for (let round = 0; round < 500; round++) {
      const { scores, labels } = randomScores(random);
      let right = 0;
      let pairs = 0;
      for (const [i, a] of scores.entries()) {
        for (const [j, b] of scores.entries()) {
          if (labels[i] === 1 && labels[j] === 0) {
            pairs++;
            right += a > b ? 1 : a === b ? 0.5 : 0;
          }
        }
      }
      assertClose(areaUnderRoc(tally(scores, labels)), right / pairs);
    }
  });

  it('see only the order of scores, and turn round with it', () => {
    const random = seededRandom(3);
    for (let round = 0; round < 200; round++) {
      const { scores, labels } = randomScores(random);
      const counts = tally(scores, labels);
      const stretched = tally(
        scores.map((score) => Math.atan(score) * 7 - 1),
        labels,
      );
      assert.equal(areaUnderRoc(stretched), areaUnderRoc(counts));
      assert.equal(minimumDetectionCost(stretched), minimumDetectionCost(counts));
      const opposite = tally(
        scores.map((score) => -score),
        labels,
      );
      assertClose(areaUnderRoc(opposite), 1 - areaUnderRoc(counts));
    }
  });

  it('keep the detection cost between 0 for a perfect and 1 for a useless ranking', () => {
    assert.equal(minimumDetectionCost(tally([1, 2, 3, 4], [0, 0, 1, 1])), 0);
    assert.equal(minimumDetectionCost(tally([1, 2, 3, 4], [1, 1, 0, 0])), 1);
    assert.equal(minimumDetectionCost(tally([1, 1, 1, 1], [1, 1, 0, 0])), 1);
  });

  it('give operating points that run from nothing to everything called Deepfake', () => {
    assert.deepEqual(operatingPoints(tally([0.2, 0.8, 0.8, 0.9], [0, 0, 1, 1])), [
      { threshold: Infinity, falseAlarmRate: 0, missRate: 1 },
      { threshold: 0.9, falseAlarmRate: 0, missRate: 0.5 },
      { threshold: 0.8, falseAlarmRate: 0.5, missRate: 0 },
      { threshold: 0.2, falseAlarmRate: 1, missRate: 0 },
      { threshold: -Infinity, falseAlarmRate: 1, missRate: 0 },
    ]);
  });
});

describe('the cost of the log-likelihood ratio', () => {
  it('is 1 bit where every answer is one half, near 0 where all are sure and right', () => {
    assertClose(logLikelihoodRatioCost(tally([0, 0, 0], [0, 1, 1])), 1);
    assertClose(logLikelihoodRatioCost(tally([-40, 40], [0, 1])), 0, 1e-15);
  });

  it('grows with the size of a mistake and stays finite for probabilities of 0 and 1', () => {
    assertClose(logLikelihoodRatioCost(tally([30, 40], [0, 1])), 30 / (2 * Math.LN2), 1e-9);
    assert.ok(Number.isFinite(logitOf(0)) && Number.isFinite(logitOf(1)));
    assert.ok(logitOf(0) < -700 && logitOf(1) > 36);
    assert.equal(logLikelihoodRatioCost(tally([Infinity, -Infinity], [0, 1])), Infinity);
    assert.equal(logLikelihoodRatioCost(tally([-Infinity, Infinity], [0, 1])), 0);
  });
});

describe('scores', () => {
  it('are refused where they are not numbers, not as many as labels, or of one class', () => {
    assert.throws(() => tally([0.1, Number.NaN], [0, 1]), RangeError);
    assert.throws(() => tally([0.1], [0, 1]), RangeError);
    assert.throws(() => tally([0.1, 0.2], [1, 1]), RangeError);
    assert.throws(() => tally([0.1, 0.2], [0, 0]), RangeError);
    assert.throws(() => tally([], []), RangeError);
  });
});
