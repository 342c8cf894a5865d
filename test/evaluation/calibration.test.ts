import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import {
  calibratedProbability,
  coverageErrorCurve,
  fitCalibration,
  inconclusiveBand,
  thresholdAtFalseAlarmRate,
} from '../../daemon/evaluation/calibration.ts';
import { seededRandom } from '../../daemon/random.ts';
import golden from '../golden/metrics.json' with { type: 'json' };

/** Box & Muller 1958. */
const normal = (random: RandomGenerator): number =>
  Math.sqrt(-2 * Math.log(1 - uniformFloat64(random))) * Math.cos(2 * Math.PI * uniformFloat64(random));

/** Clips whose true log-likelihood ratio is known: normal scores of variance 1 and means ∓`separation`/2. */
function clipsWithKnownRatio(genuine: number, deepfake: number, separation: number, seed: number) {
  const random = seededRandom(seed);
  const labels = Array.from({ length: genuine + deepfake }, (_, i) => (i < genuine ? 0 : 1));
  const ratios = labels.map((label) => separation * (normal(random) + (label - 0.5) * separation));
  return { labels, ratios };
}

const probabilitiesOf = (ratios: number[]) =>
  ratios.map((ratio) => calibratedProbability(ratio, { scale: 1, offset: 0 }));

describe('fitting a calibration', () => {
  for (const { name, logits, labels, calibration } of golden.cases) {
    it(`finds what logistic regression in scikit-learn ${golden.versions['scikit-learn']} finds on scores that are ${name}`, () => {
      const { scale, offset } = fitCalibration(logits, labels);
      const tolerance = 2e-4 * (1 + Math.abs(calibration.scale) + Math.abs(calibration.offset));
      assert.ok(Math.abs(scale - calibration.scale) < tolerance, `${scale} ${calibration.scale}`);
      assert.ok(Math.abs(offset - calibration.offset) < tolerance, `${offset} ${calibration.offset}`);
    });
  }

  it('recovers how logits were distorted, whatever the share of the classes', () => {
    const { labels, ratios } = clipsWithKnownRatio(20_000, 5_000, 2, 1);
    const { scale, offset } = fitCalibration(
      ratios.map((ratio) => 5 * ratio - 12),
      labels,
    );
    assert.ok(Math.abs(scale - 1 / 5) < 0.006, `${scale}`);
    assert.ok(Math.abs(offset - 12 / 5) < 0.06, `${offset}`);
  });

  it('gives the same probabilities for shifted and stretched logits', () => {
    const { labels, ratios } = clipsWithKnownRatio(50, 50, 2, 2);
    const plain = fitCalibration(ratios, labels);
    const stretched = fitCalibration(
      ratios.map((ratio) => 1000 * ratio + 300),
      labels,
    );
    for (const ratio of [-3, 0, 1]) {
      const difference =
        calibratedProbability(ratio, plain) - calibratedProbability(1000 * ratio + 300, stretched);
      assert.ok(Math.abs(difference) < 1e-9);
    }
  });

  it('stays finite where the classes separate, and is surer the more clips show it', () => {
    const few = fitCalibration([-1, 1], [0, 1]);
    const many = fitCalibration([-1, -1, -1, -1, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 1, 1]);
    // Platt's targets are 2/3 for one clip and 5/6 for four.
    assert.ok(Math.abs(calibratedProbability(1, few) - 2 / 3) < 1e-9);
    assert.ok(Math.abs(calibratedProbability(1, many) - 5 / 6) < 1e-9);
  });

  it('keeps the scale positive and answers one half where the ranking is useless or wrong', () => {
    for (const logits of [
      [2, 1, -1, -2],
      [7, 7, 7, 7],
    ]) {
      const calibration = fitCalibration(logits, [0, 0, 1, 1]);
      assert.ok(calibration.scale > 0);
      for (const logit of logits) {
        assert.ok(Math.abs(calibratedProbability(logit, calibration) - 0.5) < 1e-5);
      }
    }
  });

  it('refuses infinite logits and a single class', () => {
    assert.throws(() => fitCalibration([1, Infinity], [0, 1]), RangeError);
    assert.throws(() => fitCalibration([1, 2], [1, 1]), RangeError);
  });
});

describe('the threshold at a false alarm rate', () => {
  const probabilities = [0.1, 0.2, 0.4, 0.7, 0.3, 0.6, 0.8, 0.9];
  const labels = [0, 0, 0, 0, 1, 1, 1, 1];

  it('is the lowest that keeps the rate, halfway to the next score', () => {
    const none = thresholdAtFalseAlarmRate(probabilities, labels, 0);
    assert.deepEqual(none, { threshold: 0.75, falseAlarmRate: 0, missRate: 0.5 });
    const quarter = thresholdAtFalseAlarmRate(probabilities, labels, 0.25);
    assert.deepEqual(quarter, { threshold: 0.5, falseAlarmRate: 0.25, missRate: 0.25 });
    assert.deepEqual(thresholdAtFalseAlarmRate(probabilities, labels, 0.49), quarter);
    assert.equal(thresholdAtFalseAlarmRate(probabilities, labels, 1).threshold, 0.05);
  });

  it('lies above every score where a genuine clip has the highest', () => {
    const { threshold, falseAlarmRate, missRate } = thresholdAtFalseAlarmRate([0.8, 0.6], [0, 1], 0.1);
    assert.deepEqual(
      { threshold, falseAlarmRate, missRate },
      { threshold: 0.9, falseAlarmRate: 0, missRate: 1 },
    );
    assert.deepEqual(thresholdAtFalseAlarmRate([1, 0.6], [0, 1], 0.1), {
      threshold: 1,
      falseAlarmRate: 1,
      missRate: 1,
    });
  });

  it('keeps the rate on random scores, and no lower threshold would', () => {
    const { labels: many, ratios } = clipsWithKnownRatio(300, 200, 1.5, 3);
    const scores = probabilitiesOf(ratios);
    for (const rate of [0, 0.01, 0.05, 0.1, 0.5]) {
      const { threshold, falseAlarmRate } = thresholdAtFalseAlarmRate(scores, many, rate);
      assert.ok(falseAlarmRate <= rate);
      const nextGenuine = Math.max(...scores.filter((score, i) => many[i] === 0 && score < threshold));
      const withIt = scores.filter((score, i) => many[i] === 0 && score >= nextGenuine).length / 300;
      assert.ok(withIt > rate);
    }
  });
});

describe('the Inconclusive band', () => {
  it('keeps the error of decided clips at or below the target, on these clips and on others', () => {
    const { labels, ratios } = clipsWithKnownRatio(1000, 800, 2.5, 4);
    const probabilities = probabilitiesOf(ratios);
    const others = clipsWithKnownRatio(20_000, 20_000, 2.5, 5);
    for (const target of [0.02, 0.05, 0.08]) {
      const band = inconclusiveBand(probabilities, labels, 0.5, target);
      assert.ok(band.low < 0.5 && band.high > 0.5);
      assert.ok(band.error <= target, `${band.error}`);
      assert.ok(band.coverage > 0.1 && band.coverage < 1);
      const decided = probabilitiesOf(others.ratios)
        .map((probability, i) => ({ probability, label: others.labels[i] }))
        .filter(({ probability }) => probability <= band.low || probability >= band.high);
      const wrong = decided.filter(({ probability, label }) => (probability >= 0.5 ? 1 : 0) !== label).length;
      assert.ok(wrong / decided.length <= target, `${wrong / decided.length} for ${target}`);
    }
  });

  it('widens as the target falls', () => {
    const { labels, ratios } = clipsWithKnownRatio(1000, 1000, 2, 6);
    const bands = [0.15, 0.12, 0.09, 0.06].map((target) =>
      inconclusiveBand(probabilitiesOf(ratios), labels, 0.5, target),
    );
    for (let i = 1; i < bands.length; i++) {
      assert.ok(bands[i].low <= bands[i - 1].low && bands[i].high >= bands[i - 1].high);
      assert.ok(bands[i].coverage < bands[i - 1].coverage);
    }
  });

  it('is empty where no clip is wrong and enough clips say so', () => {
    const probabilities = [...new Array(100).fill(0.1), ...new Array(100).fill(0.9)];
    const labels = [...new Array(100).fill(0), ...new Array(100).fill(1)];
    assert.deepEqual(inconclusiveBand(probabilities, labels, 0.5, 0.05), {
      low: 0.5,
      high: 0.5,
      coverage: 1,
      error: 0,
    });
  });

  it('covers everything where the clips are too few or too alike to promise anything', () => {
    assert.deepEqual(inconclusiveBand([0.1, 0.9], [0, 1], 0.5, 0.05), {
      low: 0,
      high: 1,
      coverage: 0,
      error: 0,
    });
    const { low, high, coverage } = inconclusiveBand(
      new Array(100).fill(0.6),
      [...new Array(99).fill(0), 1],
      0.5,
      0.05,
    );
    assert.deepEqual({ low, high, coverage }, { low: 0, high: 1, coverage: 0 });
  });

  it('can be needed on one side only', () => {
    // A hundred deepfakes hide among the lower scores; nothing genuine scores high.
    const scoresOf = (...groups: [count: number, score: number][]) =>
      groups.flatMap(([count, score]) => new Array<number>(count).fill(score));
    const probabilities = scoresOf([600, 0.2], [400, 0.05], [100, 0.2], [900, 0.9]);
    const labels = scoresOf([1000, 0], [1000, 1]);
    const band = inconclusiveBand(probabilities, labels, 0.5, 0.05);
    assert.equal(band.high, 0.5);
    assert.equal(band.low, 0.125);
    assert.equal(band.error, 0);
    assert.ok(Math.abs(band.coverage - (0.5 * 0.4 + 0.5 * 0.9)) < 1e-12);

    const mirrored = inconclusiveBand(
      probabilities.map((probability) => 1 - probability),
      labels.map((label) => 1 - label),
      0.5,
      0.05,
    );
    assert.equal(mirrored.low, 0.5);
    assert.ok(Math.abs(mirrored.high - 0.875) < 1e-12);
    assert.ok(Math.abs(mirrored.coverage - band.coverage) < 1e-12);
  });

  it('does not count on a single clip having been right', () => {
    const probabilities = [...new Array(99).fill(0.6), 0.99, ...new Array(99).fill(0.6), 0.01];
    const labels = [...new Array(100).fill(1), ...new Array(100).fill(0)];
    const { low, high } = inconclusiveBand(probabilities, labels, 0.5, 0.2);
    assert.deepEqual({ low, high }, { low: 0, high: 1 });
  });

  it('weighs both classes the same, so the share of clips that are fake does not move it', () => {
    const { labels, ratios } = clipsWithKnownRatio(2000, 2000, 2, 7);
    const probabilities = probabilitiesOf(ratios);
    const half = inconclusiveBand(probabilities, labels, 0.5, 0.05);
    const doubled = inconclusiveBand(
      [...probabilities, ...probabilities.slice(0, 2000), ...probabilities.slice(0, 2000)],
      [...labels, ...new Array(4000).fill(0)],
      0.5,
      0.05,
    );
    assert.ok(Math.abs(half.low - doubled.low) < 0.02 && Math.abs(half.high - doubled.high) < 0.02);
  });
});

describe('the coverage–error curve', () => {
  it('lets in clips from the surest to the least sure', () => {
    const curve = coverageErrorCurve([0.005, 0.35, 0.9, 0.99, 0.6], [0, 0, 0, 1, 1], 0.5);
    const rounded = curve.map(({ coverage, error }) => [coverage.toFixed(4), error.toFixed(4)]);
    // In this order: 0.005, 0.99, 0.9 (wrong), 0.35, 0.6. A genuine clip weighs 1/6, a deepfake 1/4.
    assert.deepEqual(rounded, [
      ['0.1667', '0.0000'],
      ['0.4167', '0.0000'],
      ['0.5833', '0.2857'],
      ['0.7500', '0.2222'],
      ['1.0000', '0.1667'],
    ]);
    assert.ok(curve.every(({ margin }, i) => i === 0 || margin < curve[i - 1].margin));
  });

  it('ends at full coverage with the error at the threshold, however sure the scores', () => {
    for (const { probabilities, labels, threshold, perClassAccuracy } of golden.cases) {
      const last = coverageErrorCurve([...probabilities, 0, 1], [...labels, 0, 1], threshold).at(-1)!;
      assert.ok(Math.abs(last.coverage - 1) < 1e-9);
      const genuine = labels.filter((label) => label === 0).length;
      const deepfake = labels.length - genuine;
      const wrong =
        ((1 - perClassAccuracy[0]) * genuine) / (genuine + 1) +
        ((1 - perClassAccuracy[1]) * deepfake) / (deepfake + 1);
      assert.ok(Math.abs(last.error - wrong / 2) < 1e-9);
    }
  });
});
