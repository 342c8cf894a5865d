import type { EvaluatedClips, EvaluateResult } from '../../shared/protocol.ts';
import { type Clip, discoverDataset } from '../dataset/manifest.ts';
import { declaredPart } from '../dataset/split.ts';
import type { Classifier } from '../inference/classifier.ts';
import { writeReports } from './reports.ts';

export interface ClipEvaluationOptions {
  reportsDir: string;
  /** Prepended to the names of the reports. */
  prefix?: string;
  /** What the clips are, for the reader of the reports. */
  evaluatedOn: string;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

export interface EvaluationOptions extends Omit<ClipEvaluationOptions, 'evaluatedOn' | 'prefix'> {
  /** Absent: the environment's DATASET_ROOT. */
  dataRoot?: string;
  samplePerClass?: number;
}

/**
 * Evaluates a model on a labelled folder: on its testing part where folder names declare one, else on all of it. Throws the errors of
 * `discoverDataset` and `evaluateClips`.
 */
export async function evaluateDataset(
  classifier: Classifier,
  options: EvaluationOptions,
): Promise<EvaluateResult> {
  const manifest = await discoverDataset(options.dataRoot, { samplePerClass: options.samplePerClass });
  const { name, warnings } = manifest;
  const testing = declaredPart(manifest.clips, 'testing');
  const [clips, evaluatedOn] =
    testing.length > 0 ? [testing, `testing part of ${name}`] : [manifest.clips, name];
  return { ...(await evaluateClips(classifier, clips, { ...options, evaluatedOn })), warnings };
}

/**
 * Classifies every clip as prediction does and writes the reports. Throws the errors of `loadAudio`, WriteFailed or Cancelled: a clip that
 * cannot be read must not go unnoticed.
 */
export async function evaluateClips(
  classifier: Classifier,
  clips: readonly Clip[],
  options: ClipEvaluationOptions,
): Promise<EvaluatedClips> {
  const { signal, onProgress } = options;
  const probabilities = new Array<number>(clips.length);
  let decided = 0;
  let right = 0;
  const evaluate = async ({ path, label }: Clip, index: number) => {
    const verdict = await classifier.classify(path, { signal });
    probabilities[index] = verdict.deepfakeProbability;
    if (verdict.decision !== 'Inconclusive') {
      decided++;
      if ((verdict.decision === 'Deepfake') === (label === 1)) right++;
    }
  };
  await classifier.pool.forEach(clips, evaluate, onProgress);
  const coverage = decided / clips.length;
  const decidedAccuracy = decided === 0 ? 0 : right / decided;
  const { facts, config } = classifier.model;
  const reports = await writeReports(options.reportsDir, {
    prefix: options.prefix,
    probabilities,
    labels: clips.map(({ label }) => label),
    threshold: config.threshold,
    facts: {
      coverage,
      decided_accuracy: decidedAccuracy,
      evaluated_on: options.evaluatedOn,
      model: facts.name,
      checkpoint_sha256: facts.sha256,
    },
  });
  return { ...reports, coverage, decidedAccuracy };
}
