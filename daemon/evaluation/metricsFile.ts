import { join } from 'node:path';
import type { MetricsFile } from '../../shared/protocol.ts';
import { writeFileAtomically } from '../files.ts';
import { bootstrapIntervals } from './bootstrap.ts';
import { coverageErrorCurve, errorsAtCoverage } from './calibration.ts';
import { detCurve, reliability, rocCurve } from './curves.ts';
import { checkGates } from './gates.ts';
import {
  areaUnderRoc,
  confusionMatrix,
  DETECTION_COST,
  logitOf,
  logLikelihoodRatioCost,
  minimumDetectionCost,
  type OperatingPoint,
  ratesOf,
  referenceMetrics,
  type Tally,
  tally,
  tallyEqualErrorRate,
} from './metrics.ts';

const METRICS_FILE_NAME = 'metrics.json';

/** Shares of the clips for which `coverage_error` tells the error among the surest. */
export const COVERAGE_STEPS = Array.from({ length: 20 }, (_, i) => (i + 1) / 20);
const BOOTSTRAP = { replicates: 1000, level: 0.95 } as const;

/**
 * All metrics of one probability and label (0 Genuine, 1 Deepfake) per clip: the reference's keys first, then ours.
 * `seed` fixes the confidence intervals. Throws RangeError for NaN or a missing class.
 */
export function measure(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  threshold: number,
  seed: number,
): MetricsFile {
  const counts = tally(probabilities, labels);
  const reference = referenceMetrics(probabilities, labels, threshold);
  const statistics = (replicate: Tally) => {
    const { accuracy, f1, perClassAccuracy, hter } = ratesOf(confusionMatrix(replicate, threshold));
    return {
      accuracy,
      eer: tallyEqualErrorRate(replicate).eer,
      f1,
      genuine_accuracy: perClassAccuracy.Genuine,
      deepfake_accuracy: perClassAccuracy.Deepfake,
      auc: areaUnderRoc(replicate),
      hter,
    };
  };
  return {
    ...reference,
    auc: areaUnderRoc(counts),
    eer_threshold: tallyEqualErrorRate(counts).threshold,
    min_dcf: minimumDetectionCost(counts),
    cllr: logLikelihoodRatioCost({ ...counts, scores: counts.scores.map(logitOf) }),
    hter: ratesOf(reference.confusion_matrix).hter,
    counts: { Genuine: counts.genuineTotal, Deepfake: counts.deepfakeTotal },
    confidence_intervals: {
      method: 'percentile bootstrap over clips, within each class',
      ...BOOTSTRAP,
      seed,
      ...bootstrapIntervals(probabilities, labels, statistics, { ...BOOTSTRAP, seed }),
    },
    min_dcf_parameters: {
      deepfake_prior: DETECTION_COST.deepfakePrior,
      missed_deepfake_cost: DETECTION_COST.missedDeepfakeCost,
      false_alarm_cost: DETECTION_COST.falseAlarmCost,
    },
    gates: checkGates(reference),
    ...curvesOf(counts),
    coverage_error: coverageOf(probabilities, labels, threshold),
  };
}

/** The error that is left when only the surest clips are decided, in steps of 5 %. */
function coverageOf(probabilities: ArrayLike<number>, labels: ArrayLike<number>, threshold: number) {
  const points = errorsAtCoverage(coverageErrorCurve(probabilities, labels, threshold), COVERAGE_STEPS);
  return {
    priors: 'equal',
    coverage: points.map(({ coverage }) => coverage),
    error: points.map(({ error }) => error),
  };
}

/** ROC, DET and reliability for drawing. */
function curvesOf(counts: Tally) {
  const roc = rocCurve(counts);
  const det = detCurve(counts);
  const { bins, expectedCalibrationError } = reliability(counts);
  // JSON has no infinity: null stands above and below all scores.
  const thresholds = (curve: OperatingPoint[]) =>
    curve.map(({ threshold }) => (Number.isFinite(threshold) ? threshold : null));
  return {
    roc: {
      threshold: thresholds(roc),
      false_positive_rate: roc.map(({ falseAlarmRate }) => falseAlarmRate),
      true_positive_rate: roc.map(({ missRate }) => 1 - missRate),
    },
    det: {
      threshold: thresholds(det),
      false_alarm_rate: det.map(({ falseAlarmRate }) => falseAlarmRate),
      miss_rate: det.map(({ missRate }) => missRate),
    },
    reliability: {
      priors: 'equal',
      expected_calibration_error: expectedCalibrationError,
      bins: bins.map(({ low, high, genuine, deepfake, meanProbability, deepfakeShare }) => ({
        low,
        high,
        Genuine: genuine,
        Deepfake: deepfake,
        mean_probability: meanProbability,
        deepfake_share: deepfakeShare,
      })),
    },
  };
}

/**
 * Writes `metrics.json`, its name after `prefix`, into `folder`, which is created, and returns its path. Throws DeepfakeError
 * WriteFailed.
 */
export async function writeMetricsFile(folder: string, metrics: MetricsFile, prefix = ''): Promise<string> {
  const path = join(folder, `${prefix}${METRICS_FILE_NAME}`);
  const text = JSON.stringify(metrics, null, 2);
  // A list of numbers is one line.
  const compact = text.replaceAll(/\[[-+.\de,\snul]*\]/g, (list) => list.replaceAll(/\s+/g, ' '));
  await writeFileAtomically(path, `${compact}\n`);
  return path;
}
