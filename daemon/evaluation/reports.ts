import type { MetricsFile } from '../../shared/protocol.ts';
import { writeConfusionMatrix } from './confusionMatrix.ts';
import { writeHtmlReport } from './htmlReport.ts';
import { measure, writeMetricsFile } from './metricsFile.ts';

/** Seed of the confidence intervals, so that the same scores give the same report. */
const BOOTSTRAP_SEED = 42;

export interface ReportInput {
  /** Prepended to the files' names. */
  prefix?: string;
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
  reportFile: string;
  metrics: MetricsFile;
}

/** Writes `metrics.json`, `confusion_matrix.png` and `report.html` into `folder`. Throws WriteFailed. */
export async function writeReports(folder: string, input: ReportInput): Promise<WrittenReports> {
  const { probabilities, labels, threshold, facts, prefix } = input;
  const metrics = { ...measure(probabilities, labels, threshold, BOOTSTRAP_SEED), ...facts };
  return {
    metricsFile: await writeMetricsFile(folder, metrics, prefix),
    confusionMatrixFile: await writeConfusionMatrix(folder, metrics.confusion_matrix, threshold, prefix),
    reportFile: await writeHtmlReport(folder, { probabilities, labels, metrics, facts }, prefix),
    metrics,
  };
}
