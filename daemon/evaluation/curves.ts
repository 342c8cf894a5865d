import { type OperatingPoint, operatingPoints, type Tally } from './metrics.ts';

/** Points that a curve keeps for drawing. */
const MAX_POINTS = 200;
const RELIABILITY_BINS = 10;
/** Error rates below this are drawn as this: the probit of 0 is infinite. */
const SMALLEST_RATE = 1e-5;

/** The ROC curve by falling threshold, thinned to at most 200 points. */
export const rocCurve = (counts: Tally): OperatingPoint[] =>
  thinned(operatingPoints(counts), ({ falseAlarmRate, missRate }) => [falseAlarmRate, 1 - missRate]);

/** The DET curve by falling threshold (Martin et al. 1997), thinned to at most 200 points on its probit axes. */
export const detCurve = (counts: Tally): OperatingPoint[] =>
  thinned(operatingPoints(counts), ({ falseAlarmRate, missRate }) => [
    probitOfRate(falseAlarmRate),
    probitOfRate(missRate),
  ]);

/** Clips whose probability lies in [low, high), the last bin including 1. */
export interface ReliabilityBin {
  low: number;
  high: number;
  /** Clips of each class. */
  genuine: number;
  deepfake: number;
  /** Mean probability and share of deepfakes, both classes weighing the same; null for an empty bin. */
  meanProbability: number | null;
  deepfakeShare: number | null;
}

export interface Reliability {
  bins: ReliabilityBin[];
  /** Mean distance of the two, weighed by the bins' clips (Naeini et al. 2015), both classes weighing the same. */
  expectedCalibrationError: number;
}

/** How well probabilities say how often a clip is a deepfake, at equal priors, for which they are calibrated. The tally is of probabilities. */
export function reliability({ scores, genuine, deepfake, genuineTotal, deepfakeTotal }: Tally): Reliability {
  const sums = Array.from({ length: RELIABILITY_BINS }, () => ({
    genuine: 0,
    deepfake: 0,
    weight: 0,
    deepfakeWeight: 0,
    probability: 0,
  }));
  for (let i = 0; i < scores.length; i++) {
    const bin = sums[Math.min(RELIABILITY_BINS - 1, Math.floor(scores[i] * RELIABILITY_BINS))];
    const deepfakeWeight = deepfake[i] / (2 * deepfakeTotal);
    const weight = genuine[i] / (2 * genuineTotal) + deepfakeWeight;
    bin.genuine += genuine[i];
    bin.deepfake += deepfake[i];
    bin.weight += weight;
    bin.deepfakeWeight += deepfakeWeight;
    bin.probability += weight * scores[i];
  }
  return {
    bins: sums.map((bin, index) => ({
      low: index / RELIABILITY_BINS,
      high: (index + 1) / RELIABILITY_BINS,
      genuine: bin.genuine,
      deepfake: bin.deepfake,
      meanProbability: bin.weight > 0 ? bin.probability / bin.weight : null,
      deepfakeShare: bin.weight > 0 ? bin.deepfakeWeight / bin.weight : null,
    })),
    expectedCalibrationError: sums.reduce(
      (total, { deepfakeWeight, probability }) => total + Math.abs(deepfakeWeight - probability),
      0,
    ),
  };
}

/**
 * At most MAX_POINTS of a curve's points, ends included: always the point farthest from the line that would be drawn without it
 * (Ramer 1972, Douglas & Peucker 1973), until none lies off the line or there are enough.
 */
function thinned<T>(points: readonly T[], placeOf: (point: T) => [x: number, y: number]): T[] {
  const places = points.map(placeOf);
  const segmentOf = (from: number, to: number) => {
    let farthest = from;
    let distance = 0;
    const [x0, y0] = places[from];
    const [dx, dy] = [places[to][0] - x0, places[to][1] - y0];
    const length = Math.hypot(dx, dy) || 1;
    for (let i = from + 1; i < to; i++) {
      const off = Math.abs(dx * (places[i][1] - y0) - dy * (places[i][0] - x0)) / length;
      if (off > distance) {
        distance = off;
        farthest = i;
      }
    }
    return { from, to, farthest, distance };
  };
  const segments = [segmentOf(0, points.length - 1)];
  while (segments.length < MAX_POINTS - 1) {
    const index = segments.reduce((best, next, i) => (next.distance > segments[best].distance ? i : best), 0);
    const { from, to, farthest, distance } = segments[index];
    // Differences of rounding size are no corners.
    if (!(distance > 1e-12)) break;
    segments.splice(index, 1, segmentOf(from, farthest), segmentOf(farthest, to));
  }
  return [...segments.map(({ from }) => points[from]), points[points.length - 1]];
}

/** The standard normal quantile of an error rate, which makes the DET curve of normal scores a straight line. */
export const probitOfRate = (rate: number): number =>
  probit(Math.min(Math.max(rate, SMALLEST_RATE), 1 - SMALLEST_RATE));

// Coefficients of Acklam's rational approximation of the normal quantile (2003), relative error below 1.15e-9.
const A = [
  -3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2, -3.066479806614716e1,
  2.506628277459239,
];
const B = [
  -5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1,
  1,
];
const C = [
  -7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734, 4.374664141464968,
  2.938163982698783,
];
const D = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1];
const TAIL = 0.02425;

/** The standard normal quantile of p in (0, 1). */
export function probit(p: number): number {
  if (p > 0.5) return -probit(1 - p);
  const horner = (coefficients: readonly number[], x: number) =>
    coefficients.reduce((sum, coefficient) => sum * x + coefficient);
  if (p < TAIL) {
    const q = Math.sqrt(-2 * Math.log(p));
    return horner(C, q) / horner(D, q);
  }
  const q = p - 0.5;
  return (q * horner(A, q * q)) / horner(B, q * q);
}
