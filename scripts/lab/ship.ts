import {
  calibratedProbability,
  coverageErrorCurve,
  errorsAtCoverage,
} from '../../daemon/evaluation/calibration.ts';
import { AnalysisPool } from '../../daemon/features/analysisPool.ts';
import { writeModel } from '../../daemon/model/checkpoint.ts';
import { type FeatureStatistics, featureStatistics } from '../../daemon/model/featureStatistics.ts';
import { OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import { CALIBRATED_THRESHOLD, calibrate } from '../../daemon/training/calibrate.ts';
import { AugmentedExamples, StoredFeatures } from '../../daemon/training/examples.ts';
import type { Recipe } from '../../daemon/training/recipe.ts';
import { trainedModelConfig } from '../../daemon/training/trainedModel.ts';
import {
  type EpochState,
  networkShape,
  pooledFeatures,
  trainNetwork,
} from '../../daemon/training/trainer.ts';
import type { CorpusClip } from './corpus.ts';
import { type FoldScores, subset } from './crossValidation.ts';
import { pooledScores, type Summary } from './summary.ts';

export interface ShippingOptions {
  folder: string;
  seed: number;
  /** Share of wrong answers that a label outside the Inconclusive band may have on the held-out clips. */
  targetError: number;
  onProgress?: (line: string) => void;
}

/**
 * Trains on all clips for as many epochs as each fold was, and writes the model with the calibration and the Inconclusive band
 * of the cross-validation's held-out logits.
 */
export async function ship(
  clips: CorpusClip[],
  recipe: Recipe,
  runs: FoldScores[],
  summary: Summary,
  options: ShippingOptions,
): Promise<void> {
  await writeCalibrated(await trainOnAll(clips, recipe, options), clips, recipe, runs, summary, options);
}

/** A network, and where its training clips lie in its features. */
export interface TrainedNetwork {
  last: EpochState;
  statistics?: FeatureStatistics;
}

async function trainOnAll(
  clips: CorpusClip[],
  recipe: Recipe,
  { seed, onProgress }: ShippingOptions,
): Promise<TrainedNetwork> {
  const pool = new AnalysisPool();
  const preparation = { pool, features: recipe.features };
  const examples = await AugmentedExamples.prepare(clips, recipe.augmentation ?? {}, 0, preparation);
  const whole = await StoredFeatures.prepare(clips, recipe.windows, preparation);
  await pool.dispose();
  const engine = new OnnxRuntimeEngine();
  try {
    const all = clips.map((_, index) => index);
    const { last } = await trainNetwork({
      recipe,
      engine,
      training: subset(examples, all, seed),
      seed,
      onStep: ({ step, steps }) => {
        if (step % 100 === 0) onProgress?.(`step ${step} of ${steps}`);
      },
    });
    if (last === undefined) throw new Error('Training ended before its first epoch.');
    const pooled = await pooledFeatures(engine, networkShape(recipe), last.state, whole);
    return { last, statistics: featureStatistics(pooled) };
  } finally {
    await examples.dispose();
    await whole.dispose();
  }
}

/** Writes a network trained on all clips, calibrated on the held-out logits, and tells what the Inconclusive band buys. */
export async function writeCalibrated(
  trained: TrainedNetwork,
  clips: CorpusClip[],
  recipe: Recipe,
  runs: FoldScores[],
  summary: Summary,
  options: ShippingOptions,
): Promise<void> {
  const heldOut = pooledScores(clips, runs);
  const logits = heldOut.map(({ logit }) => logit);
  const labels = heldOut.map(({ label }) => label);
  const { calibration, inconclusive } = calibrate(logits, labels, options.targetError);
  const probabilities = logits.map((logit) => calibratedProbability(logit, calibration));
  const config = trainedModelConfig(
    recipe,
    { calibration, inconclusive, featureStatistics: trained.statistics },
    {
      seed: options.seed,
      training_clips: clips.length,
      calibrated_on: 'held-out systems and speakers of the cross-validation',
      cross_validation: {
        clips: heldOut.length,
        mean_eer: summary.meanEer,
        worst_fold_eer: summary.worstEer,
        pooled_eer: summary.pooledEer,
        pooled_eer_interval: summary.pooledEerInterval,
        auc: summary.auc,
      },
    },
  );
  const { last } = trained;
  const written = await writeModel(options.folder, last.state, config, last.steps);
  const band = inconclusive ?? { low: CALIBRATED_THRESHOLD, high: CALIBRATED_THRESHOLD };
  const isDecided = (p: number) => p <= band.low || p >= band.high;
  const decided = probabilities.filter(isDecided).length;
  const wrong = probabilities.filter(
    (p, i) => isDecided(p) && p >= CALIBRATED_THRESHOLD !== (labels[i] === 1),
  );
  options.onProgress?.(
    `Wrote ${written.checkpoint}. Held out: ${decided} of ${probabilities.length} clips decided, ${wrong.length} of them wrongly.`,
  );
  const curve = coverageErrorCurve(probabilities, labels, CALIBRATED_THRESHOLD);
  for (const point of errorsAtCoverage(curve, [0.1, 0.25, 0.5, 0.75, 1])) {
    options.onProgress?.(
      `${(100 * point.coverage).toFixed(0)} % decided: ${(100 * point.error).toFixed(1)} % of them wrong`,
    );
  }
}
