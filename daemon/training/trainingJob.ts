import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import type { TrainingEvent, TrainResult } from '../../shared/protocol.ts';
import { type Clip, discoverDataset, type Manifest } from '../dataset/manifest.ts';
import { splitIntoParts } from '../dataset/split.ts';
import { calibratedProbability, UNCALIBRATED } from '../evaluation/calibration.ts';
import { writeReports } from '../evaluation/reports.ts';
import { AnalysisPool } from '../features/analysisPool.ts';
import { removeLeftovers } from '../files.ts';
import { withFolderLock } from '../folderLock.ts';
import { type WrittenModel, writeModel } from '../model/checkpoint.ts';
import type { Engine } from '../model/engine.ts';
import { openEngine } from '../model/engines.ts';
import { type FeatureStatistics, featureStatistics } from '../model/featureStatistics.ts';
import type { ModelConfig } from '../model/modelConfig.ts';
import { calibrate } from './calibrate.ts';
import {
  AugmentedExamples,
  type PreparationOptions,
  StoredFeatures,
  type TrainingExamples,
} from './examples.ts';
import { type FeatureCache, openFeatureCache } from './featureCache.ts';
import { finalTest } from './finalTest.ts';
import { type Recipe, readRecipe, withUsableCodecs } from './recipe.ts';
import { describeRun, requireSameRun, withContent } from './runDescription.ts';
import { trainedModelConfig } from './trainedModel.ts';
import { networkShape, trainNetwork } from './trainer.ts';
import type { TrainingSettings } from './trainingRun.ts';
import {
  type RunDescription,
  type RunFacts,
  removeRun,
  type Snapshot,
  type UnfinishedRun,
  unfinishedRun,
  writeRun,
} from './trainingState.ts';
import { pooledFeatures } from './validation.ts';

/** The whole run, in the training thread: data set → features → best epoch → model and reports. */
export async function runTraining(
  settings: TrainingSettings,
  report: (event: TrainingEvent) => void,
  signal: AbortSignal,
): Promise<TrainResult> {
  const warnings: string[] = [];
  const warn = (message: string) => void warnings.push(message);
  const asked = applySettings(await readRecipe(settings.recipe), settings);
  const recipe = await withUsableCodecs(asked, settings.ffmpegPath, warn);
  const engine = await openEngine(settings, warn, 'training');
  const manifest = await discoverDataset(settings.dataRoot, { samplePerClass: settings.samplePerClass });
  const parts = splitIntoParts(manifest.clips, settings);
  const cache = await openFeatureCache(settings.featureCache, settings.featureCacheLimit, warn);
  const deepfake = manifest.clips.filter(({ label }) => label === 1).length;
  report({
    type: 'dataset',
    genuine: manifest.clips.length - deepfake,
    deepfake,
    training: parts.training.length,
    validation: parts.validation.length,
    testing: parts.testing.length,
    epochs: recipe.epochs,
    batchSize: recipe.batchSize,
    engine: engine.facts,
    warnings: [...warnings, ...manifest.warnings],
  });
  // A folder that cannot be written to should not be found out after an hour of training.
  await ensureFolder(settings.modelDir);
  await ensureFolder(settings.reportsDir);
  return withFolderLock(settings.modelDir, 'is training into the same folder', () =>
    train({ settings, recipe, engine, manifest, parts, cache, report, signal }),
  );
}

/** What a run works on. */
interface Job {
  settings: TrainingSettings;
  recipe: Recipe;
  engine: Engine;
  manifest: Manifest;
  parts: { training: Clip[]; validation: Clip[]; testing: Clip[] };
  cache?: FeatureCache;
  report: (event: TrainingEvent) => void;
  signal: AbortSignal;
}

async function train(job: Job): Promise<TrainResult> {
  const { settings, recipe, engine, manifest, parts, report, signal } = job;
  const { modelDir, reportsDir } = settings;
  for (const folder of [modelDir, reportsDir]) await removeLeftovers(folder);
  const asked = describeRun(recipe, settings, engine.facts, manifest, parts);
  const resumed = await runToGoOnWith(settings, asked);
  const resume = resumed?.state(recipe.architecture);
  let canResume = resume !== undefined;
  const prepared: TrainingExamples[] = [];
  try {
    const { training, validation } = await prepareExamples(job, prepared);
    const description = withContent(asked, [validation.digest, training.digest]);
    const facts: RunFacts = { description, threads: availableParallelism() };
    if (resumed !== undefined) {
      requireSameRun(resumed, description);
      const warnings = threadWarnings(resumed, facts);
      report({ type: 'resuming', epoch: resumed.epoch, epochs: recipe.epochs, warnings });
    }
    const keep = async (best: Snapshot, statistics?: FeatureStatistics): Promise<KeptModel> => {
      const config = modelConfig(job, best, statistics);
      return { ...(await writeModel(modelDir, best.state, config, best.steps)), settings: config };
    };
    // What the last run wrote when it was killed may be half a model.
    let kept = resume?.best && (await keep(resume.best));
    const outcome = await trainNetwork({
      recipe,
      engine,
      training,
      validation,
      seed: settings.seed,
      resume,
      onState: async (state) => {
        await writeRun(modelDir, facts, recipe.architecture, state);
        canResume = true;
      },
      onStep: (step) => report({ type: 'step', ...step }),
      onValidation: (epoch, done) => {
        const total = parts.validation.length;
        report({ type: 'validating', epoch, epochs: recipe.epochs, done, total });
      },
      onEpoch: async (epochReport, best) => {
        // Written as soon as it is the best, so that nothing that ends the process takes it away.
        if (epochReport.best) kept = await keep(best);
        report({ type: 'epoch', report: epochReport });
      },
      signal,
    });
    const { best, epochsRun } = outcome;
    if (best === undefined || kept === undefined) {
      const message = `Training was cancelled before the first epoch ended: there is no model yet${canResume ? ', but the run can be resumed (--resume)' : ''}.`;
      throw new DeepfakeError(ErrorCode.Cancelled, message);
    }
    if (recipe.calibrate && !outcome.cancelled) {
      const shape = networkShape(recipe);
      const statistics = featureStatistics(await pooledFeatures(engine, shape, best.state, validation));
      if (statistics !== undefined) kept = await keep(best, statistics);
    }
    const { settings: config, ...written } = kept;
    const reports = await writeReports(reportsDir, {
      probabilities: Array.from(best.validation.logits, (logit) =>
        calibratedProbability(logit, config.calibration),
      ),
      labels: parts.validation.map(({ label }) => label),
      threshold: config.threshold,
      facts: {
        evaluated_on: 'validation split of the training data',
        data: manifest.name,
        seed: settings.seed,
      },
    });
    const test = outcome.cancelled
      ? undefined
      : await finalTest(written, parts.testing, manifest, engine, settings, report, signal);
    const cancelled = outcome.cancelled || (parts.testing.length > 0 && test === undefined);
    if (!cancelled) await removeRun(modelDir);
    return { ...written, ...reports, test, epochsRun, bestEpoch: best.epoch, cancelled };
  } catch (error) {
    if (!(error instanceof DeepfakeError && error.code === ErrorCode.WriteFailed && canResume)) throw error;
    const message = `${error.message} The run can be resumed (--resume).`;
    throw new DeepfakeError(error.code, message, error.file, { cause: error });
  } finally {
    for (const examples of prepared) await examples.dispose();
  }
}

/** A model on the disk, and what is in its configuration. */
interface KeptModel extends WrittenModel {
  settings: ModelConfig;
}

/**
 * The unfinished run in the model folder, where the settings ask for it. Throws TrainingUnfinished where they neither ask for it nor
 * give it up, and InvalidArguments where there is none or it is another one than they say.
 */
async function runToGoOnWith(
  { modelDir, resume, fresh }: TrainingSettings,
  asked: RunDescription,
): Promise<UnfinishedRun | undefined> {
  if (fresh) return undefined;
  const run = await unfinishedRun(modelDir);
  if (!resume) {
    if (run === undefined) return undefined;
    const message = `${run.path} is a run that was not finished (it was in epoch ${run.epoch}): go on with it (--resume), begin anew (--fresh), or choose another --model-dir.`;
    throw new DeepfakeError(ErrorCode.TrainingUnfinished, message, run.path);
  }
  if (run === undefined) {
    const message = `There is no unfinished run to resume in ${resolve(modelDir)}: leave --resume out to begin one.`;
    throw new DeepfakeError(ErrorCode.InvalidArguments, message, resolve(modelDir));
  }
  requireSameRun(run, asked);
  return run;
}

const threadWarnings = (run: UnfinishedRun, { threads }: RunFacts): string[] =>
  run.threads === threads
    ? []
    : [
        `The run was begun with ${run.threads} threads and goes on with ${threads}: the last digits of its results may differ.`,
      ];

/** Reads the clips and puts what was made of them into `prepared`, whose owner disposes of them. */
async function prepareExamples(
  { settings, recipe, parts, cache, report, signal }: Job,
  prepared: TrainingExamples[],
) {
  const pool = new AnalysisPool({ workers: settings.workers, ffmpegPath: settings.ffmpegPath });
  const total = parts.training.length + parts.validation.length;
  const options = (before: number): PreparationOptions => ({
    pool,
    features: recipe.features,
    cache,
    onProgress: (done) => report({ type: 'preparing', done: before + done, total }),
    signal,
  });
  const before = parts.validation.length;
  try {
    const validation = await StoredFeatures.prepare(parts.validation, recipe.windows, options(0));
    prepared.push(validation);
    const training =
      recipe.augmentation === null
        ? await StoredFeatures.prepare(parts.training, { use: 'first', overlap: 0 }, options(before))
        : await AugmentedExamples.prepare(
            parts.training,
            recipe.augmentation,
            settings.seed,
            options(before),
          );
    prepared.push(training);
    cache?.shrink();
    return { training, validation };
  } catch (error) {
    if (!signal.aborted) throw error;
    const message = 'Training was cancelled while the clips were being read: nothing was trained.';
    throw new DeepfakeError(ErrorCode.Cancelled, message, undefined, { cause: error });
  } finally {
    await pool.dispose();
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
  { recipe, settings, engine, manifest, parts }: Job,
  best: Snapshot,
  featureStatistics?: FeatureStatistics,
): ModelConfig {
  const labels = parts.validation.map(({ label }) => label);
  const calibrated = recipe.calibrate
    ? calibrate(best.validation.logits, labels)
    : { calibration: UNCALIBRATED, inconclusive: null };
  return trainedModelConfig(
    recipe,
    { ...calibrated, ...(featureStatistics === undefined ? {} : { featureStatistics }) },
    {
      seed: settings.seed,
      data: manifest.name,
      engine: engine.facts,
      training_clips: parts.training.length,
      validation_clips: parts.validation.length,
      best_epoch: best.epoch,
      validation_eer: best.validation.eer,
    },
  );
}
