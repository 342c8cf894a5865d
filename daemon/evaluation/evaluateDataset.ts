import { basename } from 'node:path';
import { discoverDataset } from '../dataset/manifest.ts';
import type { Classifier } from '../inference/classifier.ts';
import { type WrittenReports, writeReports } from './reports.ts';

export interface EvaluationOptions {
  /** Absent: the environment's DATASET_ROOT. */
  dataRoot?: string;
  reportsDir: string;
  samplePerClass?: number;
  /** Files analysed at once. */
  concurrency: number;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

export interface Evaluation extends WrittenReports {
  warnings: string[];
  /** Share of clips that are not Inconclusive, and the accuracy among them. */
  coverage: number;
  decidedAccuracy: number;
}

/**
 * Classifies every clip of a labelled folder as prediction does and writes the reports. Throws the errors of
 * `discoverDataset` and `loadAudio`, WriteFailed or Cancelled: a clip that cannot be read must not go unnoticed.
 */
export async function evaluateDataset(
  classifier: Classifier,
  options: EvaluationOptions,
): Promise<Evaluation> {
  const { signal, onProgress, concurrency } = options;
  const manifest = await discoverDataset(options.dataRoot, { samplePerClass: options.samplePerClass });
  const { clips } = manifest;
  const probabilities = new Array<number>(clips.length);
  let decided = 0;
  let right = 0;
  let next = 0;
  let done = 0;
  const lane = async () => {
    while (next < clips.length) {
      const index = next++;
      const verdict = await classifier.classify(clips[index].path, { signal });
      probabilities[index] = verdict.deepfakeProbability;
      if (verdict.decision !== 'Inconclusive') {
        decided++;
        if ((verdict.decision === 'Deepfake') === (clips[index].label === 1)) right++;
      }
      onProgress?.(++done, clips.length);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  const coverage = decided / clips.length;
  const decidedAccuracy = decided === 0 ? 0 : right / decided;
  const { facts, config } = classifier.model;
  const reports = await writeReports(options.reportsDir, {
    probabilities,
    labels: clips.map(({ label }) => label),
    threshold: config.threshold,
    facts: {
      coverage,
      decided_accuracy: decidedAccuracy,
      evaluated_on: basename(manifest.root),
      model: facts.name,
      checkpoint_sha256: facts.sha256,
    },
  });
  return { ...reports, warnings: manifest.warnings, coverage, decidedAccuracy };
}
