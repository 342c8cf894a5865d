import pLimit from 'p-limit';
import { AnalysisPool } from '../../daemon/features/analysisPool.ts';
import { OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import { AugmentedExamples, StoredFeatures, type TrainingExamples } from '../../daemon/training/examples.ts';
import type { FeatureCache } from '../../daemon/training/featureCache.ts';
import type { Recipe } from '../../daemon/training/recipe.ts';
import { networkShape, trainNetwork } from '../../daemon/training/trainer.ts';
import { validate } from '../../daemon/training/validation.ts';
import type { CorpusClip } from './corpus.ts';
import type { Fold } from './folds.ts';
import { keptOrTrained } from './networks.ts';

/** The logits of one fold's test clips, by a network that was trained without them. */
export interface FoldScores {
  fold: string;
  seed: number;
  /** Indices into the corpus. */
  test: number[];
  logits: number[];
  seconds: number;
}

export interface CrossValidationOptions {
  /** Trainings that run at the same time, each on one thread. */
  jobs: number;
  /** Folder for the network of every fold and seed; what lies there already is not trained again. */
  networks?: string;
  cache?: FeatureCache;
  ffmpegPath?: string;
  onProgress?: (line: string) => void;
}

/** Trains once per fold and seed, for as many epochs as the recipe says, and scores each fold's test clips with the last weights. */
export async function crossValidate(
  clips: CorpusClip[],
  folds: Fold[],
  seeds: number[],
  recipe: Recipe,
  options: CrossValidationOptions,
): Promise<FoldScores[]> {
  const { features, windows } = recipe;
  const engine = new OnnxRuntimeEngine({ threads: 1 });
  const shape = networkShape(recipe);
  const pool = new AnalysisPool({ ffmpegPath: options.ffmpegPath });
  const prepared: TrainingExamples[] = [];
  try {
    const preparation = { pool, features, cache: options.cache };
    const tested = [...new Set(folds.flatMap(({ test }) => test))];
    const stored = await StoredFeatures.prepare(
      tested.map((index) => clips[index]),
      windows,
      preparation,
    );
    prepared.push(stored);
    const examples = await AugmentedExamples.prepare(clips, recipe.augmentation ?? {}, 0, preparation);
    prepared.push(examples);
    const positionOf = new Map(tested.map((index, position) => [index, position]));
    const limit = pLimit(options.jobs);
    const runs = seeds.flatMap((seed) => folds.map((fold) => ({ seed, fold })));
    return await Promise.all(
      runs.map(({ seed, fold }) =>
        limit(async () => {
          const started = performance.now();
          const set = { name: fold.name, clips: fold.training.map((index) => clips[index]) };
          const network = await keptOrTrained(options.networks, set, { recipe, seed }, async () => {
            const training = subset(examples, fold.training, seed);
            return (await trainNetwork({ recipe, engine, training, seed })).last;
          });
          const part = stored.subset(fold.test.map((index) => positionOf.get(index) as number));
          const { logits, eer } = await validate(engine, shape, network.state, part);
          const seconds = (performance.now() - started) / 1000;
          options.onProgress?.(
            `${recipe.name}: fold ${fold.name}, seed ${seed}: ${fold.training.length} clips trained on, EER ${(100 * eer).toFixed(1)} %, ${seconds.toFixed(0)} s`,
          );
          return { fold: fold.name, seed, test: fold.test, logits: Array.from(logits), seconds };
        }),
      ),
    );
  } finally {
    await pool.dispose();
    for (const part of prepared) await part.dispose();
  }
}

/** Some of the examples, with augmented views of their own for each seed. */
export function subset(examples: TrainingExamples, indices: number[], seed: number): TrainingExamples {
  const SEED_STRIDE = 100_000;
  return {
    labels: Float32Array.from(indices, (index) => examples.labels[index]),
    frames: examples.frames,
    batch: (batch, epoch) =>
      examples.batch(
        batch.map((position) => indices[position]),
        seed * SEED_STRIDE + epoch,
      ),
    dispose: async () => {},
  };
}
