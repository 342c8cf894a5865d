import type { MetricsFile } from '../../shared/protocol.ts';
import { writeConfusionMatrix } from './confusionMatrix.ts';
import { measure, writeMetricsFile } from './metricsFile.ts';

/** Seed of the confidence intervals, so that the same scores give the same report. */
const BOOTSTRAP_SEED = 42;

export interface ReportInput {
  /** Calibrated probability of Deepfake of each clip. */
  probabilities: number[];
  /** 0 Genuine, 1 Deepfake. */
  labels: (0 | 1)[];
  threshold: number;
  /** What was measured on what, for the reader of `metrics.json`. */
  facts: Record<string, unknown>;
}

export interface WrittenReports {
  metricsFile: string;
  confusionMatrixFile: string;
  metrics: MetricsFile;
}

/** Writes `metrics.json` and `confusion_matrix.png` into `folder`. Throws WriteFailed. */
export async function writeReports(folder: string, input: ReportInput): Promise<WrittenReports> {
  const { probabilities, labels, threshold, facts } = input;
  const metrics = { ...measure(probabilities, labels, threshold, BOOTSTRAP_SEED), ...facts };
  return {
    metricsFile: await writeMetricsFile(folder, metrics),
    confusionMatrixFile: await writeConfusionMatrix(folder, metrics.confusion_matrix, threshold),
    metrics,
  };
}
