import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import type { EvaluatedClips, TrainingEvent } from '../../shared/protocol.ts';
import type { Clip, Manifest } from '../dataset/manifest.ts';
import { evaluateClips } from '../evaluation/evaluateDataset.ts';
import { AnalysisPool } from '../features/analysisPool.ts';
import { Classifier } from '../inference/classifier.ts';
import { readModel } from '../model/checkpoint.ts';
import type { Engine } from '../model/engine.ts';
import type { TrainingSettings } from './trainingRun.ts';

/** Before the names of the testing part's reports. */
const PREFIX = 'test_';

/**
 * Measures the finished model, as it lies on the disk, on the data set's testing part and writes test_metrics.json and its like. Returns
 * undefined where there is no such part or the run was cancelled. Throws the errors of `evaluateClips`.
 */
export async function finalTest(
  model: { checkpoint: string; config: string },
  testing: Clip[],
  manifest: Manifest,
  engine: Engine,
  settings: TrainingSettings,
  report: (event: TrainingEvent) => void,
  signal: AbortSignal,
): Promise<EvaluatedClips | undefined> {
  if (testing.length === 0 || signal.aborted) return undefined;
  const loaded = await readModel(model.checkpoint, model.config);
  const pool = new AnalysisPool({ workers: settings.workers, ffmpegPath: settings.ffmpegPath });
  const classifier = await Classifier.create(loaded, engine, pool);
  try {
    return await evaluateClips(classifier, testing, {
      reportsDir: settings.reportsDir,
      prefix: PREFIX,
      evaluatedOn: `testing part of ${manifest.name}`,
      onProgress: (done, total) => report({ type: 'testing', done, total }),
      signal,
    });
  } catch (error) {
    if (error instanceof DeepfakeError && error.code === ErrorCode.Cancelled) return undefined;
    throw error;
  } finally {
    await classifier.dispose();
    await pool.dispose();
  }
}
