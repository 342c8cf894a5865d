import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import { CHECKPOINT_NAME, CONFIG_NAME } from '../../shared/modelFiles.ts';
import type { ModelFacts } from '../../shared/verdict.ts';
import { writeFilesAtomically } from '../files.ts';
import {
  type Architecture,
  blockNames,
  type StateDict,
  statisticTensors,
  trainableTensors,
} from './audioCnn.ts';
import { formatModelConfig, type ModelConfig, readModelConfig } from './modelConfig.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

/** A model as read from disk: weights, configuration and where they came from. */
export interface Model {
  state: StateDict;
  config: ModelConfig;
  facts: ModelFacts;
}

/**
 * Reads a checkpoint (`.safetensors`, or PyTorch's `.pth`/`.pt`) and its configuration; `configPath` defaults to
 * `model_config.json` beside it. Throws CheckpointNotFound, CheckpointInvalid, ConfigNotFound or ConfigInvalid.
 */
export async function readModel(checkpointPath: string, configPath?: string): Promise<Model> {
  const bytes = await readCheckpointFile(checkpointPath);
  const config = await readModelConfig(configPath ?? join(dirname(checkpointPath), CONFIG_NAME));
  const invalid = (reason: string) =>
    new DeepfakeError(
      ErrorCode.CheckpointInvalid,
      `${checkpointPath} is not a usable checkpoint: ${reason}.`,
      checkpointPath,
    );
  let state: StateDict;
  try {
    state = await parseCheckpoint(bytes, checkpointPath);
    checkShapes(state, config.architecture);
  } catch (error) {
    if (error instanceof RangeError) throw invalid(error.message);
    throw error;
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (config.checkpointSha256 !== undefined && config.checkpointSha256 !== sha256) {
    throw invalid('it is not the file that its model_config.json was written for');
  }
  return { state, config, facts: { name: config.name, checkpoint: checkpointPath, sha256 } };
}

async function readCheckpointFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const message = `There is no checkpoint to read at ${path}. Give the path of a deepfake_cnn.safetensors with --model.`;
    throw new DeepfakeError(ErrorCode.CheckpointNotFound, message, path, { cause: error });
  }
}

async function parseCheckpoint(bytes: Uint8Array, path: string): Promise<StateDict> {
  if (/\.(pth|pt)$/i.test(path)) {
    const { readTorchCheckpoint } = await import('./torchCheckpoint.ts');
    return readTorchCheckpoint(bytes);
  }
  return readSafetensors(bytes);
}

/** Throws RangeError unless the state has exactly AudioCNN's tensors, all finite. */
function checkShapes(state: StateDict, architecture: Architecture): void {
  const specs = [...trainableTensors(architecture), ...statisticTensors(architecture)];
  for (const { name, shape } of specs) {
    const tensor = state.get(name);
    if (tensor === undefined) throw new RangeError(`tensor ${name} is missing`);
    if (tensor.shape.join() !== shape.join()) {
      throw new RangeError(`tensor ${name} has shape [${tensor.shape}] where the network needs [${shape}]`);
    }
    if (!tensor.data.every(Number.isFinite))
      throw new RangeError(`tensor ${name} holds values that are not finite`);
  }
  if (state.size > specs.length) {
    const known = new Set(specs.map(({ name }) => name));
    const unknown = [...state.keys()].find((name) => !known.has(name));
    throw new RangeError(`tensor ${unknown} does not belong to AudioCNN`);
  }
}

/** Where a model was written. */
export interface WrittenModel {
  checkpoint: string;
  config: string;
}

/**
 * Writes `deepfake_cnn.safetensors` and `model_config.json` into `folder`, whole or not at all, with PyTorch's tensor names, so
 * that `AudioCNN().load_state_dict(load_file(…))` works. `steps` is stored as BatchNorm's `num_batches_tracked`. Throws WriteFailed.
 */
export async function writeModel(
  folder: string,
  state: StateDict,
  config: ModelConfig,
  steps: number,
): Promise<WrittenModel> {
  const content = modelContent(state, config, steps);
  const paths = { checkpoint: join(folder, CHECKPOINT_NAME), config: join(folder, CONFIG_NAME) };
  await writeFilesAtomically([
    { path: paths.checkpoint, data: content.checkpoint },
    { path: paths.config, data: content.config },
  ]);
  return paths;
}

/** What `writeModel` writes. */
export function modelContent(state: StateDict, config: ModelConfig, steps: number) {
  const counters = new Map(
    config.architecture.channels.map((_, block) => [blockNames(block).batchesTracked, steps]),
  );
  const checkpoint = writeSafetensors(state, counters);
  const checkpointSha256 = createHash('sha256').update(checkpoint).digest('hex');
  return { checkpoint, config: formatModelConfig({ ...config, checkpointSha256 }) };
}
