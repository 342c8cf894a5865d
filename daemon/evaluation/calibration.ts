import { confusionMatrix, logitOf, softplus, type Tally, tally } from './metrics.ts';

/** Calibrated logit = scale · logit + offset, with scale > 0 so that the ranking stays. */
export interface Calibration {
  scale: number;
  offset: number;
}

/** Calibrated probability of Deepfake in [0, 1] for a raw logit. */
export function calibratedProbability(logit: number, { scale, offset }: Calibration): number {
  return 1 / (1 + Math.exp(-(scale * logit + offset)));
}

const MAX_NEWTON_STEPS = 100;
const GRADIENT_TOLERANCE = 1e-12;
/** Scale, per standard deviation of the logits, of a model that ranks no better than chance: all answers near 0.5. */
const SMALLEST_SCALE = 1e-6;

/**
 * Fits the calibration that minimises the log loss of held-out logits with both classes weighing the same, so that
 * probabilities hold at equal priors. Platt's targets (n₊+1)/(n₊+2) and 1/(n₋+2) keep it finite where the classes
 * separate; Newton's method with backtracking as in Lin, Lin & Weng 2007. `labels` are 0 (Genuine) or 1 (Deepfake).
 * Throws RangeError for non-finite logits or a missing class.
 */
export function fitCalibration(logits: ArrayLike<number>, labels: ArrayLike<number>): Calibration {
  const { genuineTotal, deepfakeTotal } = tally(logits, labels);
  const count = logits.length;
  const values = Float64Array.from(logits);
  if (!values.every(Number.isFinite)) {
    throw new RangeError('A logit is not finite.');
  }
  const mean = values.reduce((total, value) => total + value, 0) / count;
  const deviation = Math.sqrt(values.reduce((total, value) => total + (value - mean) ** 2, 0) / count);
  if (deviation === 0) {
    return { scale: SMALLEST_SCALE, offset: -SMALLEST_SCALE * mean };
  }
  const standard = values.map((value) => (value - mean) / deviation);
  const targets = [1 / (genuineTotal + 2), (deepfakeTotal + 1) / (deepfakeTotal + 2)];
  const weights = [0.5 / genuineTotal, 0.5 / deepfakeTotal];

  const loss = (slope: number, intercept: number): number => {
    let total = 0;
    for (let i = 0; i < count; i++) {
      const score = slope * standard[i] + intercept;
      total += weights[labels[i]] * (softplus(score) - targets[labels[i]] * score);
    }
    return total;
  };

  let slope = 0;
  let intercept = 0;
  let current = loss(slope, intercept);
  for (let step = 0; step < MAX_NEWTON_STEPS; step++) {
    // Gradient (g) and Hessian (h) of the loss by slope (s) and intercept (i).
    let gs = 0;
    let gi = 0;
    let hss = 0;
    let hsi = 0;
    let hii = 0;
    for (let i = 0; i < count; i++) {
      const z = standard[i];
      const probability = 1 / (1 + Math.exp(-(slope * z + intercept)));
      const residual = weights[labels[i]] * (probability - targets[labels[i]]);
      const curvature = weights[labels[i]] * probability * (1 - probability);
      gs += residual * z;
      gi += residual;
      hss += curvature * z * z;
      hsi += curvature * z;
      hii += curvature;
    }
    const determinant = hss * hii - hsi * hsi;
    if (Math.hypot(gs, gi) < GRADIENT_TOLERANCE || !(determinant > 0)) {
      break;
    }
    const ds = -(hii * gs - hsi * gi) / determinant;
    const di = -(hss * gi - hsi * gs) / determinant;
    let share = 1;
    let next = loss(slope + ds, intercept + di);
    while (!(next <= current) && share > 1e-10) {
      share /= 2;
      next = loss(slope + share * ds, intercept + share * di);
    }
    if (!(next < current)) {
      break;
    }
    slope += share * ds;
    intercept += share * di;
    current = next;
  }
  if (slope < SMALLEST_SCALE) {
    slope = SMALLEST_SCALE;
    intercept = 0;
  }
  return { scale: slope / deviation, offset: intercept - (slope * mean) / deviation };
}

/**
 * The lowest threshold at which at most `rate` of the genuine clips are called Deepfake, halfway to the next lower
 * probability. The rates returned are those seen; `rate` can be exceeded only where a genuine clip has probability 1.
 */
export function thresholdAtFalseAlarmRate(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  rate: number,
): { threshold: number; falseAlarmRate: number; missRate: number } {
  const counts = tally(probabilities, labels);
  let falseAlarms = 0;
  let decided = 0;
  while (
    decided < counts.scores.length &&
    (falseAlarms + counts.genuine[decided]) / counts.genuineTotal <= rate
  ) {
    falseAlarms += counts.genuine[decided];
    decided++;
  }
  const threshold = cutBelow(counts, decided);
  const [[, fp], [fn]] = confusionMatrix(counts, threshold);
  return { threshold, falseAlarmRate: fp / counts.genuineTotal, missRate: fn / counts.deepfakeTotal };
}

/** A probability that separates the highest `count` distinct ones from the rest, halfway between its neighbours. */
function cutBelow({ scores }: Tally, count: number): number {
  const above = count > 0 ? scores[count - 1] : 1;
  const below = count < scores.length ? scores[count] : 0;
  const middle = (above + below) / 2;
  return middle > below ? middle : above;
}

export interface InconclusiveBand {
  /** Probabilities strictly between these are Inconclusive; equal where nothing has to be. */
  low: number;
  high: number;
  /** Share of clips outside the band, both classes weighing the same. */
  coverage: number;
  /** Share of these with the wrong label, both classes weighing the same; 0 where there are none. */
  error: number;
}

/**
 * The narrowest band of calibrated probabilities around `threshold` such that, on held-out clips and at equal
 * priors, at most `targetError` of the clips called Deepfake above it are genuine, and at most `targetError` of
 * those called Genuine below it are deepfakes. On each side one mistake more than was seen is reckoned with. A side
 * that cannot reach the target reaches to 0 or 1: then that label is not given at all.
 */
export function inconclusiveBand(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  threshold: number,
  targetError: number,
): InconclusiveBand {
  const counts = tally(probabilities, labels);
  const high = highestCoverageCut(counts, threshold, targetError);
  const low = 1 - highestCoverageCut(mirrored(counts), 1 - threshold, targetError);
  const band = { low: Math.min(low, threshold), high: Math.max(high, threshold) };
  let decided = 0;
  let wrong = 0;
  for (const [index, score] of counts.scores.entries()) {
    if (score > band.low && score < band.high) {
      continue;
    }
    const genuine = counts.genuine[index] / (2 * counts.genuineTotal);
    const deepfake = counts.deepfake[index] / (2 * counts.deepfakeTotal);
    decided += genuine + deepfake;
    wrong += score >= threshold ? genuine : deepfake;
  }
  return { ...band, coverage: decided, error: decided > 0 ? wrong / decided : 0 };
}

/** The lowest cut of at least `threshold` above which the share of genuine clips, one more reckoned, is on target. */
function highestCoverageCut(counts: Tally, threshold: number, targetError: number): number {
  let falseAlarms = 0;
  let hits = 0;
  let cut = 1;
  for (let i = 0; i < counts.scores.length && counts.scores[i] >= threshold; i++) {
    falseAlarms += counts.genuine[i];
    hits += counts.deepfake[i];
    const falseAlarmRate = (falseAlarms + 1) / counts.genuineTotal;
    const hitRate = hits / counts.deepfakeTotal;
    if (falseAlarmRate / (falseAlarmRate + hitRate) <= targetError) {
      cut = Math.max(cutBelow(counts, i + 1), threshold);
    }
  }
  return cut;
}

/** The same clips seen from the other class: Genuine is what is looked for, with probability 1 − p. */
function mirrored(counts: Tally): Tally {
  return {
    scores: counts.scores.map((score) => 1 - score).reverse(),
    genuine: counts.deepfake.toReversed(),
    deepfake: counts.genuine.toReversed(),
    genuineTotal: counts.deepfakeTotal,
    deepfakeTotal: counts.genuineTotal,
  };
}

export interface CoveragePoint {
  /** Clips are decided whose logit lies at least so far from the threshold's. */
  margin: number;
  /** Share of clips decided, both classes weighing the same. */
  coverage: number;
  /** Share of these with the wrong label, both classes weighing the same. */
  error: number;
}

/** How the error falls when only the surest clips are decided: one point per distinct margin, from the surest. */
export function coverageErrorCurve(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  threshold: number,
): CoveragePoint[] {
  const { scores, genuine, deepfake, genuineTotal, deepfakeTotal } = tally(probabilities, labels);
  const groups = [...scores.keys()]
    .map((index) => ({ index, margin: Math.abs(logitOf(scores[index]) - logitOf(threshold)) }))
    .sort((a, b) => b.margin - a.margin);
  const points: CoveragePoint[] = [];
  let coverage = 0;
  let wrong = 0;
  for (const [position, { index, margin }] of groups.entries()) {
    const genuineShare = genuine[index] / (2 * genuineTotal);
    const deepfakeShare = deepfake[index] / (2 * deepfakeTotal);
    coverage += genuineShare + deepfakeShare;
    wrong += scores[index] >= threshold ? genuineShare : deepfakeShare;
    if (margin !== groups[position + 1]?.margin) {
      points.push({ margin, coverage, error: wrong / coverage });
    }
  }
  return points;
}
