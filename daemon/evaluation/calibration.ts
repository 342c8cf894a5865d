import { confusionMatrix, logitOf, softplus, type Tally, tally } from './metrics.ts';

/** Calibrated logit = scale · logit + offset, with scale > 0 so that the ranking stays. */
export interface Calibration {
  scale: number;
  offset: number;
}

/** Leaves logits as they are. */
export const UNCALIBRATED: Calibration = { scale: 1, offset: 0 };

/** Calibrated probability of Deepfake in [0, 1] for a raw logit. */
export function calibratedProbability(logit: number, { scale, offset }: Calibration): number {
  return 1 / (1 + Math.exp(-(scale * logit + offset)));
}

const MAX_NEWTON_STEPS = 100;
const GRADIENT_TOLERANCE = 1e-12;
const LOSS_ROUNDING = 1e-14;
const SMALLEST_STEP = 1e-10;
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
    // Near the optimum the loss changes by less than its rounding, and the full step is still the best one.
    const limit = current + LOSS_ROUNDING * Math.max(1, current);
    let share = 1;
    let next = loss(slope + ds, intercept + di);
    while (!(next <= limit) && share > SMALLEST_STEP) {
      share /= 2;
      next = loss(slope + share * ds, intercept + share * di);
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
  const lowestDecided = decided > 0 ? counts.scores[decided - 1] : 1;
  const nextLower = decided < counts.scores.length ? counts.scores[decided] : 0;
  const middle = (lowestDecided + nextLower) / 2;
  const threshold = middle > nextLower ? middle : lowestDecided;
  const [[, fp], [fn]] = confusionMatrix(counts, threshold);
  return { threshold, falseAlarmRate: fp / counts.genuineTotal, missRate: fn / counts.deepfakeTotal };
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

/** Normal quantile of the one-sided 95 % confidence that a side of the band keeps its target. */
const CONFIDENCE_QUANTILE = 1.645;

/**
 * The narrowest band of calibrated probabilities around `threshold` such that, at equal priors, at most
 * `targetError` of the clips called Deepfake above it are genuine, and at most `targetError` of those called Genuine
 * below it are deepfakes. To hold on other clips too, not the share of mistakes seen counts but its upper 95 %
 * confidence bound. A side that cannot reach the target reaches to 0 or 1: that label is then as good as never given.
 */
export function inconclusiveBand(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  threshold: number,
  targetError: number,
): InconclusiveBand {
  const counts = tally(probabilities, labels);
  const { scores, genuine, deepfake, genuineTotal, deepfakeTotal } = counts;
  const low = upperEdgeOfGenuine(counts, threshold, targetError);
  const high = lowerEdgeOfDeepfake(counts, threshold, targetError);
  let coverage = 0;
  let wrong = 0;
  for (const [index, score] of scores.entries()) {
    if (score <= low || score >= high) {
      const genuineShare = genuine[index] / (2 * genuineTotal);
      const deepfakeShare = deepfake[index] / (2 * deepfakeTotal);
      coverage += genuineShare + deepfakeShare;
      wrong += score >= threshold ? genuineShare : deepfakeShare;
    }
  }
  return { low, high, coverage, error: coverage > 0 ? wrong / coverage : 0 };
}

/** The lowest probability from which on clips may be called Deepfake. */
function lowerEdgeOfDeepfake(counts: Tally, threshold: number, targetError: number): number {
  const { scores, genuine, deepfake, genuineTotal, deepfakeTotal } = counts;
  let wrong = 0;
  let right = 0;
  let edge = 1;
  for (let i = 0; i < scores.length && scores[i] >= threshold; i++) {
    wrong += genuine[i];
    right += deepfake[i];
    if (keepsTarget(wrong, genuineTotal, right, deepfakeTotal, targetError)) {
      const next = scores[i + 1];
      const middle = (scores[i] + next) / 2;
      edge = next >= threshold ? (middle > next ? middle : scores[i]) : threshold;
    }
  }
  return edge;
}

/** The highest probability up to which clips may be called Genuine. */
function upperEdgeOfGenuine(counts: Tally, threshold: number, targetError: number): number {
  const { scores, genuine, deepfake, genuineTotal, deepfakeTotal } = counts;
  let wrong = 0;
  let right = 0;
  let edge = 0;
  for (let i = scores.length - 1; i >= 0 && scores[i] < threshold; i--) {
    wrong += deepfake[i];
    right += genuine[i];
    if (keepsTarget(wrong, deepfakeTotal, right, genuineTotal, targetError)) {
      const next = scores[i - 1];
      const middle = (scores[i] + next) / 2;
      edge = next < threshold ? (middle < next ? middle : scores[i]) : threshold;
    }
  }
  return edge;
}

/** Whether, at equal priors, the share of wrong among decided clips stays on target with confidence. */
function keepsTarget(
  wrong: number,
  wrongTotal: number,
  right: number,
  rightTotal: number,
  targetError: number,
): boolean {
  const wrongRate = upperBoundOfShare(wrong, wrongTotal);
  return wrongRate <= targetError * (wrongRate + right / rightTotal);
}

/** Upper end of Wilson's score interval (Wilson 1927) for the share that `count` of `total` stands for. */
function upperBoundOfShare(count: number, total: number): number {
  const z2 = CONFIDENCE_QUANTILE ** 2;
  const spread = CONFIDENCE_QUANTILE * Math.sqrt((count * (total - count)) / total + z2 / 4);
  return (count + z2 / 2 + spread) / (total + z2);
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

/** Points of a coverage–error curve: the surest clips that make up at least each of these shares. */
export function errorsAtCoverage(
  curve: readonly CoveragePoint[],
  shares: readonly number[],
): CoveragePoint[] {
  const ROUNDING = 1e-9;
  return shares.map(
    (share) => curve.find(({ coverage }) => coverage >= share - ROUNDING) ?? curve[curve.length - 1],
  );
}
