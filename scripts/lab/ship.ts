import pLimit from 'p-limit';
import {
  calibratedProbability,
  coverageErrorCurve,
  errorsAtCoverage,
} from '../../daemon/evaluation/calibration.ts';
import { AnalysisPool } from '../../daemon/features/analysisPool.ts';
import { joinMembers } from '../../daemon/model/audioCnn.ts';
import { writeModel } from '../../daemon/model/checkpoint.ts';
import { type FeatureStatistics, featureStatistics } from '../../daemon/model/featureStatistics.ts';
import { OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import { CALIBRATED_THRESHOLD, calibrate } from '../../daemon/training/calibrate.ts';
import { AugmentedExamples, StoredFeatures } from '../../daemon/training/examples.ts';
import type { FeatureCache } from '../../daemon/training/featureCache.ts';
import type { Recipe } from '../../daemon/training/recipe.ts';
import { trainedModelConfig } from '../../daemon/training/trainedModel.ts';
import { networkShape, trainNetwork } from '../../daemon/training/trainer.ts';
import { pooledFeatures } from '../../daemon/training/validation.ts';
import type { CorpusClip } from './corpus.ts';
import { type FoldScores, subset } from './crossValidation.ts';
import { keptOrTrained, type Network, type Training } from './networks.ts';
import { pooledScores, type Summary } from './summary.ts';

export interface ShippingOptions {
  folder: string;
  /** Trainings at a time, each on one thread. */
  jobs: number;
  /** Folder for the networks that are joined. */
  networks?: string;
  cache?: FeatureCache;
  /** Share of wrong answers that a label outside the Inconclusive band may have on the held-out clips. */
  targetError: number;
  onProgress?: (line: string) => void;
}

/**
 * Trains on all clips for as many epochs as each fold was, once per member, joins the networks into one and writes it with the
 * calibration and the Inconclusive band of the cross-validation's held-out logits, each clip's mean over the members. Members have
 * one front end and one architecture.
 */
export async function ship(
  clips: CorpusClip[],
  members: Training[],
  runs: FoldScores[],
  summary: Summary,
  options: ShippingOptions,
): Promise<void> {
  const pool = new AnalysisPool();
  try {
    const networks = await trainOnAll(clips, members, pool, options);
    const [{ recipe }] = members;
    const architecture =
      members.length === 1 ? recipe.architecture : { ...recipe.architecture, members: members.length };
    const shipped = { ...recipe, name: summary.recipe, architecture };
    const state = joinMembers(networks.map((network) => network.state));
    const whole = await StoredFeatures.prepare(clips, recipe.windows, {
      pool,
      features: recipe.features,
      cache: options.cache,
    });
    const pooled = await pooledFeatures(new OnnxRuntimeEngine(), networkShape(shipped), state, whole);
    await whole.dispose();
    const trained = { state, steps: networks[0].steps, statistics: featureStatistics(pooled) };
    await writeCalibrated(trained, members, clips, shipped, runs, summary, options);
  } finally {
    await pool.dispose();
  }
}

/** A network, and where its training clips lie in its features. */
interface TrainedNetwork extends Network {
  statistics?: FeatureStatistics;
}

async function trainOnAll(
  clips: CorpusClip[],
  members: Training[],
  pool: AnalysisPool,
  { jobs, networks, cache, onProgress }: ShippingOptions,
): Promise<Network[]> {
  const engine = new OnnxRuntimeEngine({ threads: 1 });
  const limit = pLimit(jobs);
  const all = clips.map((_, index) => index);
  const set = { name: 'all', clips };
  /** Once per recipe, when its first training begins. */
  const prepared = new Map<Recipe, Promise<AugmentedExamples>>();
  const examplesOf = (recipe: Recipe): Promise<AugmentedExamples> => {
    const preparation = { pool, features: recipe.features, cache };
    const examples =
      prepared.get(recipe) ?? AugmentedExamples.prepare(clips, recipe.augmentation ?? {}, 0, preparation);
    prepared.set(recipe, examples);
    return examples;
  };
  const networkOf = (member: Training): Promise<Network> => {
    const { recipe, seed } = member;
    const train = async () => {
      const { last } = await trainNetwork({
        recipe,
        engine,
        training: subset(await examplesOf(recipe), all, seed),
        seed,
        onStep: ({ step, steps }) => {
          if (step % 1000 === 0) onProgress?.(`${recipe.name}, seed ${seed}: step ${step} of ${steps}`);
        },
      });
      return last;
    };
    return keptOrTrained(networks, set, member, train, onProgress);
  };
  try {
    return await Promise.all(members.map((member) => limit(networkOf, member)));
  } finally {
    for (const examples of prepared.values()) await (await examples).dispose();
  }
}

/** Writes a network trained on all clips, calibrated on the held-out logits, and tells what the Inconclusive band buys. */
async function writeCalibrated(
  trained: TrainedNetwork,
  members: Training[],
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
      members: members.map(({ recipe: { name, augmentation }, seed }) => ({
        recipe: name,
        augmentation,
        seed,
      })),
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
  const written = await writeModel(options.folder, trained.state, config, trained.steps);
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
