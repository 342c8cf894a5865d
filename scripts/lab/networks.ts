import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { UNCALIBRATED } from '../../daemon/evaluation/calibration.ts';
import type { StateDict } from '../../daemon/model/audioCnn.ts';
import { readModel, writeModel } from '../../daemon/model/checkpoint.ts';
import { formatModelConfig, parseModelConfig } from '../../daemon/model/modelConfig.ts';
import type { Recipe } from '../../daemon/training/recipe.ts';
import { trainedModelConfig } from '../../daemon/training/trainedModel.ts';
import { CHECKPOINT_NAME } from '../../shared/modelFiles.ts';

/** One training of a laboratory run. */
export interface Training {
  recipe: Recipe;
  seed: number;
}

/** Weights, and the steps that they took. */
export interface Network {
  state: StateDict;
  steps: number;
}

/** What a network was trained on; the name becomes part of a folder's. */
export interface TrainingSet {
  name: string;
  clips: { path: string }[];
}

const folderOf = (folder: string, { name }: TrainingSet, { recipe, seed }: Training): string =>
  join(folder, `${recipe.name} ${name} seed ${seed}`.replaceAll(' ', '-'));

/** As it is stored: calibrated on nothing, because a fold's network has met its own clips only. */
function configOf({ clips }: TrainingSet, { recipe, seed }: Training) {
  const paths = clips.map(({ path }) => path).join('\n');
  const trainedOn = createHash('sha256').update(paths).digest('hex');
  const calibration = { calibration: UNCALIBRATED, inconclusive: null };
  return trainedModelConfig(recipe, calibration, { seed, trained_on: trainedOn });
}

/** Keeps a network in a folder of its own in `folder`. Throws WriteFailed. */
export async function keepNetwork(
  folder: string,
  set: TrainingSet,
  training: Training,
  { state, steps }: Network,
): Promise<void> {
  const config = configOf(set, training);
  const kept = { ...config, training: { ...config.training, steps } };
  await writeModel(folderOf(folder, set, training), state, kept, steps);
}

/** The network that `keepNetwork` wrote for the same clips, recipe and seed; undefined where there is none. */
export async function keptNetwork(
  folder: string,
  set: TrainingSet,
  training: Training,
): Promise<Network | undefined> {
  const path = join(folderOf(folder, set, training), CHECKPOINT_NAME);
  if (!existsSync(path)) return undefined;
  const { state, config } = await readModel(path);
  const { checkpointSha256: _, ...found } = config;
  const { steps, ...facts } = config.training ?? {};
  const expected = parseModelConfig(formatModelConfig(configOf(set, training)), path);
  const isSame = isDeepStrictEqual({ ...found, training: facts }, expected);
  return isSame && typeof steps === 'number' ? { state, steps } : undefined;
}

/** The network that is kept in `folder`, or else the one that `train` makes, which is then kept there. */
export async function keptOrTrained(
  folder: string | undefined,
  set: TrainingSet,
  training: Training,
  train: () => Promise<Network | undefined>,
  onProgress?: (line: string) => void,
): Promise<Network> {
  const kept = folder === undefined ? undefined : await keptNetwork(folder, set, training);
  if (kept !== undefined) {
    onProgress?.(`${training.recipe.name}, seed ${training.seed}: trained before`);
    return kept;
  }
  const trained = await train();
  if (trained === undefined) throw new Error('Training ended before its first epoch.');
  if (folder !== undefined) await keepNetwork(folder, set, training, trained);
  return trained;
}
