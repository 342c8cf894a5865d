import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import type { TrainingEvent, TrainResult } from '../../shared/protocol.ts';
import { type Clip, discoverDataset, type Manifest } from '../dataset/manifest.ts';
import { splitIntoParts } from '../dataset/split.ts';
import { calibratedProbability } from '../evaluation/calibration.ts';
import { writeReports } from '../evaluation/reports.ts';
import { AnalysisPool } from '../features/analysisPool.ts';
import { writeModel } from '../model/checkpoint.ts';
import type { ModelConfig } from '../model/modelConfig.ts';
import { OnnxRuntimeEngine } from '../model/onnxRuntimeEngine.ts';
import { CALIBRATED_THRESHOLD, calibrate } from './calibrate.ts';
import {
  AugmentedExamples,
  type PreparationOptions,
  StoredFeatures,
  type TrainingExamples,
} from './examples.ts';
import { finalTest } from './finalTest.ts';
import { type Recipe, readRecipe } from './recipe.ts';
import { type Snapshot, trainNetwork } from './trainer.ts';
import type { TrainingSettings } from './trainingRun.ts';

/** The whole run, in the training thread: data set → features → best epoch → model and reports. */
export async function runTraining(
  settings: TrainingSettings,
  report: (event: TrainingEvent) => void,
  signal: AbortSignal,
): Promise<TrainResult> {
  const recipe = applySettings(await readRecipe(settings.recipe), settings);
  const manifest = await discoverDataset(settings.dataRoot, { samplePerClass: settings.samplePerClass });
  const { training, validation, testing } = splitIntoParts(manifest.clips, settings);
  const deepfake = manifest.clips.filter(({ label }) => label === 1).length;
  report({
    type: 'dataset',
    genuine: manifest.clips.length - deepfake,
    deepfake,
    training: training.length,
    validation: validation.length,
    testing: testing.length,
    epochs: recipe.epochs,
    batchSize: recipe.batchSize,
    warnings: manifest.warnings,
  });
  // A folder that cannot be written to should not be found out after an hour of training.
  await ensureFolder(settings.modelDir);
  await ensureFolder(settings.reportsDir);

  const pool = new AnalysisPool({ workers: settings.workers, ffmpegPath: settings.ffmpegPath });
  const prepared: TrainingExamples[] = [];
  try {
    const total = training.length + validation.length;
    const preparation = (before: number): PreparationOptions => ({
      pool,
      features: recipe.features,
      onProgress: (done) => report({ type: 'preparing', done: before + done, total }),
      signal,
    });
    const validationFeatures = await StoredFeatures.prepare(validation, recipe.windows, preparation(0));
    prepared.push(validationFeatures);
    const trainingExamples =
      recipe.augmentation === null
        ? await StoredFeatures.prepare(training, { use: 'first', overlap: 0 }, preparation(validation.length))
        : await AugmentedExamples.prepare(
            training,
            recipe.augmentation,
            settings.seed,
            preparation(validation.length),
          );
    prepared.push(trainingExamples);
    await pool.dispose();

    const describe = (best: Snapshot) => modelConfig(recipe, settings, manifest, training, validation, best);
    const outcome = await trainNetwork({
      recipe,
      engine: new OnnxRuntimeEngine(),
      training: trainingExamples,
      validation: validationFeatures,
      seed: settings.seed,
      signal,
      onStep: (step, steps) => report({ type: 'step', step, steps }),
      onEpoch: async (epochReport, best) => {
        // Written as soon as it is the best, so that nothing that ends the process takes it away.
        if (epochReport.best) await writeModel(settings.modelDir, best.state, describe(best), best.steps);
        report({ type: 'epoch', report: epochReport });
      },
    });
    const { best } = outcome;
    if (best === undefined) {
      throw new DeepfakeError(
        ErrorCode.Cancelled,
        'Training was cancelled before the first epoch ended: no model was kept.',
      );
    }
    const config = describe(best);
    const written = await writeModel(settings.modelDir, best.state, config, best.steps);
    const probabilities = Array.from(best.validation.logits, (logit) =>
      calibratedProbability(logit, config.calibration),
    );
    const reports = await writeReports(settings.reportsDir, {
      probabilities,
      labels: validation.map(({ label }) => label),
      threshold: config.threshold,
      facts: {
        evaluated_on: 'validation split of the training data',
        data: manifest.name,
        seed: settings.seed,
      },
    });
    const test = await finalTest(written, testing, manifest, settings, report, signal);
    const { epochsRun, cancelled } = outcome;
    return { ...written, ...reports, test, epochsRun, bestEpoch: best.epoch, cancelled };
  } finally {
    await pool.dispose();
    for (const examples of prepared) await examples.dispose();
  }
}

function applySettings(recipe: Recipe, settings: TrainingSettings): Recipe {
  return {
    ...recipe,
    epochs: settings.epochs ?? recipe.epochs,
    batchSize: settings.batchSize ?? recipe.batchSize,
    learningRate: settings.learningRate ?? recipe.learningRate,
    weightDecay: settings.weightDecay ?? recipe.weightDecay,
    patience: settings.patience ?? recipe.patience,
  };
}

async function ensureFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    const message = `The folder ${resolve(path)} cannot be made: ${messageOf(error)}. Choose another with --model-dir or --reports-dir.`;
    throw new DeepfakeError(ErrorCode.WriteFailed, message, path, { cause: error });
  }
}

function modelConfig(
  recipe: Recipe,
  settings: TrainingSettings,
  manifest: Manifest,
  training: Clip[],
  validation: Clip[],
  best: Snapshot,
): ModelConfig {
  const labels = validation.map(({ label }) => label);
  const { calibration, inconclusive } = recipe.calibrate
    ? calibrate(best.validation.logits, labels)
    : { calibration: { scale: 1, offset: 0 }, inconclusive: null };
  const {
    name,
    features: _features,
    architecture: _architecture,
    windows: _windows,
    ...hyperparameters
  } = recipe;
  return {
    name: `AudioCNN (${name})`,
    features: recipe.features,
    architecture: recipe.architecture,
    threshold: CALIBRATED_THRESHOLD,
    calibration,
    inconclusive,
    windows: recipe.windows,
    training: {
      recipe: { name, ...hyperparameters },
      seed: settings.seed,
      data: manifest.name,
      training_clips: training.length,
      validation_clips: validation.length,
      best_epoch: best.epoch,
      validation_eer: best.validation.eer,
    },
  };
}
