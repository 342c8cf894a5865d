import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import { writeFileAtomically } from '../files.ts';
import {
  type Architecture,
  elementCount,
  flatten,
  type StateDict,
  statisticTensors,
  type TensorSpec,
  type TrainingState,
  trainableTensors,
  unflatten,
  type Weights,
} from '../model/audioCnn.ts';
import {
  float32Tensor,
  float32Values,
  float64Tensor,
  float64Values,
  packSafetensors,
  type StoredTensor,
  unpackSafetensors,
} from '../model/safetensors.ts';
import type { Validation } from './validation.ts';

export const STATE_NAME = 'training_state.safetensors';

/** Raised when a state is written that older readers would misunderstand. */
const FORMAT = 1;
/** The metadata's only entry. */
const ENTRY = 'run';
const BEST_LOGITS = 'best_logits';

/** The network after an epoch. */
export interface EpochState {
  state: StateDict;
  epoch: number;
  /** Steps taken until then. */
  steps: number;
}

/** The best epoch of a run. */
export interface Snapshot extends EpochState {
  validation: Validation;
}

/** A run between two steps. All randomness follows from seed, epoch and batch, so that this is all it needs to go on. */
export interface RunState {
  network: TrainingState;
  /** Absent where the recipe does not average. */
  average?: Weights;
  /** The epoch being trained, from 1 on; one more than the recipe's when all are done. */
  epoch: number;
  /** Batches of it that are done. */
  batch: number;
  /** Sum of the losses of the examples of these batches. */
  lossSum: number;
  /** Absent before the first epoch ended. */
  best?: Snapshot;
}

/** What a run was asked to do, by names that a user knows. */
export type RunDescription = Record<string, string | number | boolean | null>;

/** What a run's state belongs to. */
export interface RunFacts {
  description: RunDescription;
  /** Threads of the network: another number may round differently. */
  threads: number;
}

/** A run that was killed or cancelled. */
export interface UnfinishedRun extends RunFacts {
  path: string;
  /** The epoch that it was in. */
  epoch: number;
  /** Throws CheckpointInvalid where the file does not hold what the architecture needs. */
  state(architecture: Architecture): RunState;
}

const schema = z.object({
  format: z.literal(FORMAT),
  description: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  threads: z.number().int().min(1),
  step: z.number().int().min(0),
  epoch: z.number().int().min(1),
  batch: z.number().int().min(0),
  loss_sum: z.number(),
  best: z
    .object({
      epoch: z.number().int().min(1),
      steps: z.number().int().min(1),
      eer: z.number(),
      accuracy: z.number(),
      f1: z.number(),
      loss: z.number(),
    })
    .optional(),
});

/** Writes a run's state into `folder`, whole or not at all. Throws WriteFailed. */
export async function writeRun(
  folder: string,
  { description, threads }: RunFacts,
  architecture: Architecture,
  { network, average, best, ...state }: RunState,
): Promise<void> {
  const tensors = new Map<string, StoredTensor>();
  if (best !== undefined) tensors.set(BEST_LOGITS, float64Tensor(best.validation.logits));
  for (const name of ['parameters', 'moment1', 'moment2', 'statistics'] as const) {
    tensors.set(name, float32Tensor(network[name]));
  }
  if (average !== undefined) {
    tensors.set('average_parameters', float32Tensor(average.parameters));
    tensors.set('average_statistics', float32Tensor(average.statistics));
  }
  if (best !== undefined) {
    tensors.set('best_parameters', float32Tensor(flatten(best.state, trainableTensors(architecture))));
    tensors.set('best_statistics', float32Tensor(flatten(best.state, statisticTensors(architecture))));
  }
  const entry: z.input<typeof schema> = {
    format: FORMAT,
    description,
    threads,
    step: network.step,
    epoch: state.epoch,
    batch: state.batch,
    loss_sum: state.lossSum,
  };
  if (best !== undefined) {
    const { eer, accuracy, f1, loss } = best.validation;
    entry.best = { epoch: best.epoch, steps: best.steps, eer, accuracy, f1, loss };
  }
  const metadata = { [ENTRY]: JSON.stringify(entry) };
  await writeFileAtomically(join(folder, STATE_NAME), packSafetensors({ tensors, metadata }));
}

/** Removes the state of a run that has ended. */
export const removeRun = (folder: string): Promise<void> => rm(join(folder, STATE_NAME), { force: true });

/** The unfinished run in `folder`, undefined where there is none. Throws CheckpointInvalid where its file is of no use. */
export async function unfinishedRun(folder: string): Promise<UnfinishedRun | undefined> {
  const path = join(folder, STATE_NAME);
  const usable = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      const message = `${path} is no usable state of a training run: ${messageOf(error)}. Begin anew with --fresh.`;
      throw new DeepfakeError(ErrorCode.CheckpointInvalid, message, path, { cause: error });
    }
  };
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return usable(() => {
      throw error;
    });
  }
  return usable(() => {
    const { tensors, metadata } = unpackSafetensors(bytes);
    const parsed = schema.safeParse(JSON.parse(metadata[ENTRY] ?? '{}'));
    if (!parsed.success) throw new RangeError('it was written by another version or is damaged');
    const { description, threads, epoch } = parsed.data;
    const state = (architecture: Architecture) => usable(() => stateOf(parsed.data, tensors, architecture));
    return { path, description, threads, epoch, state };
  });
}

function stateOf(
  entry: z.output<typeof schema>,
  tensors: Map<string, StoredTensor>,
  architecture: Architecture,
): RunState {
  const tensor = (name: string): StoredTensor => {
    const found = tensors.get(name);
    if (found === undefined) throw new RangeError(`tensor ${name} is missing`);
    return found;
  };
  const vector = (name: string, specs: TensorSpec[]): Float32Array => {
    const values = float32Values(name, tensor(name));
    const length = specs.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    if (values.length !== length) throw new RangeError(`tensor ${name} does not fit the network`);
    if (!values.every(Number.isFinite))
      throw new RangeError(`tensor ${name} holds values that are not finite`);
    return values;
  };
  const trainable = trainableTensors(architecture);
  const running = statisticTensors(architecture);
  const state: RunState = {
    network: {
      parameters: vector('parameters', trainable),
      moment1: vector('moment1', trainable),
      moment2: vector('moment2', trainable),
      statistics: vector('statistics', running),
      step: entry.step,
    },
    epoch: entry.epoch,
    batch: entry.batch,
    lossSum: entry.loss_sum,
  };
  if (tensors.has('average_parameters')) {
    state.average = {
      parameters: vector('average_parameters', trainable),
      statistics: vector('average_statistics', running),
    };
  }
  if (entry.best !== undefined) {
    const { epoch, steps, ...figures } = entry.best;
    const weights: StateDict = new Map();
    unflatten(vector('best_parameters', trainable), trainable, weights);
    unflatten(vector('best_statistics', running), running, weights);
    const logits = float64Values(BEST_LOGITS, tensor(BEST_LOGITS));
    state.best = { state: weights, epoch, steps, validation: { logits, ...figures } };
  }
  return state;
}
