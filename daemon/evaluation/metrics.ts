import type { MetricsFile } from '../../shared/protocol.ts';

/** Costs and prior of the normalised detection cost; ASVspoof 5's countermeasure track uses these values. */
export const DETECTION_COST = { deepfakePrior: 0.05, missedDeepfakeCost: 10, falseAlarmCost: 1 } as const;

/**
 * How many clips of each class received each score. Every metric that needs only the ranking is computed from it
 * in one sweep; a bootstrap replicate is the same tally with other counts.
 */
export interface Tally {
  /** Distinct scores from high to low. */
  scores: Float64Array;
  /** Clips per distinct score. */
  genuine: Int32Array;
  deepfake: Int32Array;
  genuineTotal: number;
  deepfakeTotal: number;
}

/** One point of the ROC and DET curves. Deepfake is the positive class. */
export interface OperatingPoint {
  /** Scores of at least this count as Deepfake. */
  threshold: number;
  /** Share of genuine clips called Deepfake (false positive rate). */
  falseAlarmRate: number;
  /** Share of deepfakes called Genuine (false negative rate). */
  missRate: number;
}

/** [[true negatives, false positives], [false negatives, true positives]], Deepfake positive. */
export type ConfusionMatrix = MetricsFile['confusion_matrix'];

/**
 * Counts scores per class. `labels` are 0 (Genuine) or 1 (Deepfake). Throws RangeError for lists of different
 * lengths, NaN scores, or a class without clips: no metric here is defined then.
 */
export function tally(scores: ArrayLike<number>, labels: ArrayLike<number>): Tally {
  if (scores.length !== labels.length) {
    throw new RangeError(`There are ${scores.length} scores for ${labels.length} labels.`);
  }
  const sorted = Float64Array.from(scores).sort().reverse();
  if (sorted.some(Number.isNaN)) {
    throw new RangeError('A score is not a number.');
  }
  const distinct = sorted.filter((score, index) => index === 0 || score !== sorted[index - 1]);
  const genuine = new Int32Array(distinct.length);
  const deepfake = new Int32Array(distinct.length);
  for (let i = 0; i < scores.length; i++) {
    (labels[i] === 1 ? deepfake : genuine)[indexInDescending(distinct, scores[i])]++;
  }
  const deepfakeTotal = sum(deepfake);
  const genuineTotal = scores.length - deepfakeTotal;
  if (deepfakeTotal === 0 || genuineTotal === 0) {
    throw new RangeError('Metrics need clips of both classes.');
  }
  return { scores: distinct, genuine, deepfake, genuineTotal, deepfakeTotal };
}

/** Position of `score` among distinct descending scores that contain it. */
export function indexInDescending(distinct: Float64Array, score: number): number {
  let low = 0;
  let high = distinct.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (distinct[middle] > score) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

const sum = (counts: Int32Array): number => counts.reduce((total, count) => total + count, 0);

/** Calls `visit` for the thresholds +∞ (nothing is Deepfake), every distinct score from high to low, and −∞. */
function sweep(counts: Tally, visit: (threshold: number, falseAlarmRate: number, missRate: number) => void) {
  const { scores, genuine, deepfake, genuineTotal, deepfakeTotal } = counts;
  let falseAlarms = 0;
  let hits = 0;
  visit(Number.POSITIVE_INFINITY, 0, 1);
  for (let i = 0; i < scores.length; i++) {
    falseAlarms += genuine[i];
    hits += deepfake[i];
    visit(scores[i], falseAlarms / genuineTotal, (deepfakeTotal - hits) / deepfakeTotal);
  }
  visit(Number.NEGATIVE_INFINITY, 1, 0);
}

/** The points of the ROC and DET curves, by falling threshold from (0, 1) to (1, 0). */
export function operatingPoints(counts: Tally): OperatingPoint[] {
  const points: OperatingPoint[] = [];
  sweep(counts, (threshold, falseAlarmRate, missRate) => {
    points.push({ threshold, falseAlarmRate, missRate });
  });
  return points;
}

/**
 * Equal error rate in [0, 1]: over the thresholds of `operatingPoints`, the first at which the two error rates
 * differ least; the rate is their mean.
 */
export function tallyEqualErrorRate(counts: Tally): { eer: number; threshold: number } {
  let smallestGap = Number.POSITIVE_INFINITY;
  let eer = 1;
  let best = Number.POSITIVE_INFINITY;
  sweep(counts, (threshold, falseAlarmRate, missRate) => {
    const gap = Math.abs(missRate - falseAlarmRate);
    if (gap < smallestGap) {
      smallestGap = gap;
      eer = (falseAlarmRate + missRate) / 2;
      best = threshold;
    }
  });
  return { eer, threshold: best };
}

/** `tallyEqualErrorRate` of one score and label (0 Genuine, 1 Deepfake) per clip. */
export function equalErrorRate(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
): { eer: number; threshold: number } {
  return tallyEqualErrorRate(tally(scores, labels));
}

/** Area under the ROC curve: the share of (deepfake, genuine) pairs in the right order, equal scores counting half. */
export function areaUnderRoc(counts: Tally): number {
  let area = 0;
  let deepfakesAbove = 0;
  for (let i = 0; i < counts.scores.length; i++) {
    area += counts.genuine[i] * (deepfakesAbove + counts.deepfake[i] / 2);
    deepfakesAbove += counts.deepfake[i];
  }
  return area / (counts.genuineTotal * counts.deepfakeTotal);
}

/**
 * Smallest detection cost over all thresholds, divided by that of the better constant answer: 0 is perfect, 1 no
 * better than a constant. Costs and prior: DETECTION_COST (ASVspoof 5 evaluation plan, minDCF).
 */
export function minimumDetectionCost(counts: Tally): number {
  const { deepfakePrior, missedDeepfakeCost, falseAlarmCost } = DETECTION_COST;
  const missWeight = missedDeepfakeCost * deepfakePrior;
  const falseAlarmWeight = falseAlarmCost * (1 - deepfakePrior);
  let smallest = Number.POSITIVE_INFINITY;
  sweep(counts, (_, falseAlarmRate, missRate) => {
    smallest = Math.min(smallest, missWeight * missRate + falseAlarmWeight * falseAlarmRate);
  });
  return smallest / Math.min(missWeight, falseAlarmWeight);
}

/**
 * Cost of the log-likelihood ratio in bits (Brümmer & du Preez 2006): 0 is perfect, 1 is knowing nothing, more is
 * misleading. The scores must be calibrated logits at equal priors (natural logarithm).
 */
export function logLikelihoodRatioCost(counts: Tally): number {
  let deepfakeCost = 0;
  let genuineCost = 0;
  for (let i = 0; i < counts.scores.length; i++) {
    // A class that is absent at an infinite score must not contribute 0 × ∞.
    if (counts.deepfake[i] > 0) {
      deepfakeCost += counts.deepfake[i] * softplus(-counts.scores[i]);
    }
    if (counts.genuine[i] > 0) {
      genuineCost += counts.genuine[i] * softplus(counts.scores[i]);
    }
  }
  return (deepfakeCost / counts.deepfakeTotal + genuineCost / counts.genuineTotal) / (2 * Math.LN2);
}

/** ln(p / (1 − p)), finite: probabilities of 0 and 1 count as the nearest numbers that are neither. */
export function logitOf(probability: number): number {
  const inside = Math.min(Math.max(probability, Number.MIN_VALUE), 1 - Number.EPSILON / 2);
  return Math.log(inside / (1 - inside));
}

/** ln(1 + eˣ) without overflow. */
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** Counts at a threshold: scores of at least `threshold` are called Deepfake. */
export function confusionMatrix(counts: Tally, threshold: number): ConfusionMatrix {
  let falsePositives = 0;
  let truePositives = 0;
  for (let i = 0; i < counts.scores.length && counts.scores[i] >= threshold; i++) {
    falsePositives += counts.genuine[i];
    truePositives += counts.deepfake[i];
  }
  return [
    [counts.genuineTotal - falsePositives, falsePositives],
    [counts.deepfakeTotal - truePositives, truePositives],
  ];
}

/** Shares in [0, 1] that follow from a confusion matrix. */
export interface Rates {
  accuracy: number;
  /** F1 of the class Deepfake; 0 where nothing true was called Deepfake. */
  f1: number;
  perClassAccuracy: { Genuine: number; Deepfake: number };
  /** Half total error rate: the mean of the false alarm and miss rates. */
  hter: number;
}

export function ratesOf([[tn, fp], [fn, tp]]: ConfusionMatrix): Rates {
  return {
    accuracy: (tn + tp) / (tn + fp + fn + tp),
    f1: (2 * tp) / (2 * tp + fp + fn),
    perClassAccuracy: { Genuine: tn / (tn + fp), Deepfake: tp / (fn + tp) },
    hter: (fp / (tn + fp) + fn / (fn + tp)) / 2,
  };
}

/** The reference's metrics for one probability and label (0 Genuine, 1 Deepfake) per clip, at a threshold. */
export function referenceMetrics(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  threshold: number,
): MetricsFile {
  const counts = tally(probabilities, labels);
  const matrix = confusionMatrix(counts, threshold);
  const { accuracy, f1, perClassAccuracy } = ratesOf(matrix);
  return {
    accuracy,
    eer: tallyEqualErrorRate(counts).eer,
    f1,
    per_class_accuracy: perClassAccuracy,
    confusion_matrix: matrix,
    threshold,
  };
}
