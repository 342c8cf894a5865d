import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { seededRandom } from '../random.ts';
import { indexInDescending, type Tally, tally } from './metrics.ts';

export interface BootstrapOptions {
  seed: number;
  replicates: number;
  /** Share of replicates inside the interval, e.g. 0.95. */
  level: number;
}

export type Interval = [low: number, high: number];

/**
 * Percentile bootstrap intervals (Efron & Tibshirani 1993) of statistics of scores and labels (0 Genuine,
 * 1 Deepfake). Clips are drawn with replacement within each class. Clips that share a speaker or a synthesis system
 * are treated as independent, so the intervals are too narrow where there are few of these.
 */
export function bootstrapIntervals<Name extends string>(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  statistics: (counts: Tally) => Record<Name, number>,
  options: BootstrapOptions,
): Record<Name, Interval> {
  const observed = tally(scores, labels);
  const ranks: [number[], number[]] = [[], []];
  for (let i = 0; i < scores.length; i++) {
    ranks[labels[i] === 1 ? 1 : 0].push(indexInDescending(observed.scores, scores[i]));
  }
  const replicate: Tally = {
    ...observed,
    genuine: new Int32Array(observed.scores.length),
    deepfake: new Int32Array(observed.scores.length),
  };
  const random = seededRandom(options.seed);
  const samples = new Map<Name, Float64Array>();
  for (let r = 0; r < options.replicates; r++) {
    drawCounts(replicate.genuine, ranks[0], random);
    drawCounts(replicate.deepfake, ranks[1], random);
    for (const [name, value] of Object.entries(statistics(replicate)) as [Name, number][]) {
      let values = samples.get(name);
      if (values === undefined) {
        values = new Float64Array(options.replicates);
        samples.set(name, values);
      }
      values[r] = value;
    }
  }
  const tail = (1 - options.level) / 2;
  const intervals = {} as Record<Name, Interval>;
  for (const [name, values] of samples) {
    values.sort();
    intervals[name] = [quantile(values, tail), quantile(values, 1 - tail)];
  }
  return intervals;
}

/** Fills `counts` with how often each rank occurs among as many random picks as there are ranks. */
function drawCounts(counts: Int32Array, ranks: readonly number[], random: RandomGenerator): void {
  counts.fill(0);
  for (let draw = 0; draw < ranks.length; draw++) {
    counts[ranks[uniformInt(random, 0, ranks.length - 1)]]++;
  }
}

/** Quantile by linear interpolation between the two nearest of ascending values, as numpy's default. */
export function quantile(ascending: ArrayLike<number>, share: number): number {
  const position = share * (ascending.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, ascending.length - 1);
  return ascending[below] + (position - below) * (ascending[above] - ascending[below]);
}
