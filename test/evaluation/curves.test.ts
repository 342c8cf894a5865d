import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { detCurve, probit, reliability, rocCurve } from '../../daemon/evaluation/curves.ts';
import { areaUnderRoc, type OperatingPoint, tally } from '../../daemon/evaluation/metrics.ts';
import { seededRandom } from '../../daemon/random.ts';

/** Probabilities of overlapping classes, 2:1 Genuine. */
function overlapping(count: number, separation: number) {
  const random = seededRandom(3);
  const labels = Array.from({ length: count }, (_, i) => (i % 3 === 0 ? 1 : 0));
  const probabilities = labels.map((label) => {
    const logit = separation * (label - 0.5) + probit(uniformFloat64(random) * 0.9998 + 0.0001);
    return 1 / (1 + Math.exp(-2 * logit));
  });
  return { probabilities, labels };
}

const areaOf = (curve: OperatingPoint[]): number =>
  curve.reduce((area, point, i) => {
    if (i === 0) return 0;
    const before = curve[i - 1];
    const width = point.falseAlarmRate - before.falseAlarmRate;
    return area + (width * (2 - point.missRate - before.missRate)) / 2;
  }, 0);

describe('a thinned curve', () => {
  it('has at most 200 of the points of the whole one, ends included, in order', () => {
    const { probabilities, labels } = overlapping(20_000, 1.5);
    const counts = tally(probabilities, labels);
    for (const curve of [rocCurve(counts), detCurve(counts)]) {
      assert.ok(curve.length > 100 && curve.length <= 200, String(curve.length));
      assert.deepEqual([curve[0].falseAlarmRate, curve[0].missRate], [0, 1]);
      assert.deepEqual([curve[curve.length - 1].falseAlarmRate, curve[curve.length - 1].missRate], [1, 0]);
      for (let i = 1; i < curve.length; i++) {
        assert.ok(curve[i].threshold < curve[i - 1].threshold);
        assert.ok(curve[i].falseAlarmRate >= curve[i - 1].falseAlarmRate);
        assert.ok(curve[i].missRate <= curve[i - 1].missRate);
      }
      for (const { threshold, falseAlarmRate } of curve.slice(1, -1)) {
        const above = probabilities.filter((p, i) => labels[i] === 0 && p >= threshold).length;
        assert.equal(falseAlarmRate, above / counts.genuineTotal);
      }
    }
  });

  it('encloses the area of the whole one', () => {
    for (const separation of [0, 1.5, 4]) {
      const { probabilities, labels } = overlapping(20_000, separation);
      const counts = tally(probabilities, labels);
      assert.ok(Math.abs(areaOf(rocCurve(counts)) - areaUnderRoc(counts)) < 1e-3, String(separation));
    }
  });

  it('keeps every corner where there are few, and nothing between them', () => {
    const perfect = rocCurve(tally([0.9, 0.8, 0.7, 0.3, 0.2, 0.1], [1, 1, 1, 0, 0, 0]));
    assert.deepEqual(
      perfect.map(({ falseAlarmRate, missRate }) => [falseAlarmRate, missRate]),
      [
        [0, 1],
        [0, 0],
        [1, 0],
      ],
    );
    const useless = rocCurve(tally([0.5, 0.5, 0.5], [1, 0, 1]));
    assert.equal(useless.length, 2);
  });
});

describe('the normal quantile', () => {
  it('equals tabulated values', () => {
    // SciPy 1.15 norm.ppf
    const values: [number, number][] = [
      [0.5, 0],
      [0.975, 1.959963984540054],
      [0.2, -0.8416212335729142],
      [0.01, -2.3263478740408408],
      [1e-5, -4.264890793922825],
      [0.99999, 4.264890793923841],
    ];
    for (const [p, expected] of values)
      assert.ok(Math.abs(probit(p) - expected) < 1e-7, `${p}: ${probit(p)}`);
  });
});

describe('the reliability of probabilities', () => {
  it('is counted per tenth, both classes weighing the same', () => {
    // Nine genuine clips weigh as much as one deepfake.
    const probabilities = [...Array(8).fill(0.05), 0.95, 0.95];
    const labels = [...Array(8).fill(0), 0, 1];
    const { bins, expectedCalibrationError } = reliability(tally(probabilities, labels));
    assert.equal(bins.length, 10);
    assert.deepEqual([bins[0].genuine, bins[0].deepfake, bins[9].genuine, bins[9].deepfake], [8, 0, 1, 1]);
    assert.equal(bins[0].deepfakeShare, 0);
    assert.ok(Math.abs(bins[9].deepfakeShare! - 0.9) < 1e-12);
    assert.ok(Math.abs(bins[9].meanProbability! - 0.95) < 1e-12);
    assert.equal(bins[5].deepfakeShare, null);
    // Weights 4/9 and 5/9 with distances 0.05 and 0.05.
    assert.ok(Math.abs(expectedCalibrationError - 0.05) < 1e-12);
  });

  it('puts certain answers into the outermost bins', () => {
    const { bins } = reliability(tally([0, 1, 0.1], [0, 1, 0]));
    assert.deepEqual(
      bins.map(({ genuine, deepfake }) => genuine + deepfake),
      [1, 1, 0, 0, 0, 0, 0, 0, 0, 1],
    );
  });
});
