import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/**
 * AudioCNN: blocks of [Conv 3×3 pad 1 → BatchNorm → ReLU → MaxPool 2], the last one without pooling,
 * then global average → Dropout → Linear → one logit. sigmoid(logit) is the probability of Deepfake.
 */
export interface Architecture {
  /** Output channels of each block; the reference's are 16, 32, 64. */
  channels: number[];
  /** Probability that a channel is dropped before the linear layer during training. */
  dropout: number;
  /**
   * Networks of these channels that were trained apart and whose logits are averaged; absent: one. Together they are one network
   * with grouped convolutions, so that what runs one runs them all; only one by one are they trained.
   */
  members?: number;
}

export const referenceArchitecture: Architecture = { channels: [16, 32, 64], dropout: 0.25 };

/** Added to variances in BatchNorm (PyTorch's default). */
export const BATCH_NORM_EPSILON = 1e-5;
/** Share of the new batch in the running statistics (PyTorch's default). */
export const BATCH_NORM_MOMENTUM = 0.1;

/** One named tensor; `data` in row-major order. */
export interface Tensor {
  shape: number[];
  data: Float32Array;
}
/** PyTorch's names, e.g. `features.0.weight`; without `num_batches_tracked`. */
export type StateDict = Map<string, Tensor>;

/** Names of the tensors of one block, as in the reference's `nn.Sequential`. */
export interface BlockNames {
  weight: string;
  bias: string;
  gamma: string;
  beta: string;
  runningMean: string;
  runningVariance: string;
  batchesTracked: string;
}

/** Modules per block in the reference's Sequential: Conv, BatchNorm, ReLU, MaxPool. */
const MODULES_PER_BLOCK = 4;

export function blockNames(block: number): BlockNames {
  const convolution = `features.${block * MODULES_PER_BLOCK}`;
  const batchNorm = `features.${block * MODULES_PER_BLOCK + 1}`;
  return {
    weight: `${convolution}.weight`,
    bias: `${convolution}.bias`,
    gamma: `${batchNorm}.weight`,
    beta: `${batchNorm}.bias`,
    runningMean: `${batchNorm}.running_mean`,
    runningVariance: `${batchNorm}.running_var`,
    batchesTracked: `${batchNorm}.num_batches_tracked`,
  };
}

export const LINEAR_WEIGHT = 'classifier.2.weight';
export const LINEAR_BIAS = 'classifier.2.bias';

export interface TensorSpec {
  name: string;
  shape: number[];
}

/** What AdamW updates, in state_dict order. */
export function trainableTensors({ channels, members = 1 }: Architecture): TensorSpec[] {
  const specs: TensorSpec[] = [];
  channels.forEach((channelsOut, block) => {
    const input = block === 0 ? 1 : channels[block - 1];
    const output = channelsOut * members;
    const names = blockNames(block);
    specs.push({ name: names.weight, shape: [output, input, 3, 3] });
    for (const name of [names.bias, names.gamma, names.beta]) specs.push({ name, shape: [output] });
  });
  specs.push(
    { name: LINEAR_WEIGHT, shape: [1, channels[channels.length - 1] * members] },
    { name: LINEAR_BIAS, shape: [1] },
  );
  return specs;
}

/** BatchNorm's running statistics, mean and variance of each block in turn. */
export function statisticTensors({ channels, members = 1 }: Architecture): TensorSpec[] {
  return channels.flatMap((count, block) => {
    const names = blockNames(block);
    return [
      { name: names.runningMean, shape: [count * members] },
      { name: names.runningVariance, shape: [count * members] },
    ];
  });
}

/** Channels that the linear layer weighs. */
export const pooledChannels = ({ channels, members = 1 }: Architecture): number =>
  channels[channels.length - 1] * members;

/** The state of one network whose logit is the mean of these networks' of one architecture (`members`: how many). */
export function joinMembers(states: StateDict[]): StateDict {
  const joined: StateDict = new Map();
  for (const [name, first] of states[0]) {
    const parts = states.map((state) => (state.get(name) as Tensor).data);
    if (name === LINEAR_BIAS) {
      const mean = parts.reduce((sum, [bias]) => sum + bias, 0) / states.length;
      joined.set(name, { shape: first.shape, data: Float32Array.of(mean) });
      continue;
    }
    const size = first.data.length;
    const data = new Float32Array(states.length * size);
    parts.forEach((part, member) => {
      data.set(name === LINEAR_WEIGHT ? part.map((weight) => weight / states.length) : part, member * size);
    });
    const [rows, ...rest] = first.shape;
    const shape = name === LINEAR_WEIGHT ? [1, data.length] : [rows * states.length, ...rest];
    joined.set(name, { shape, data });
  }
  return joined;
}

export const elementCount = (shape: number[]): number => shape.reduce((product, size) => product * size, 1);

export const parameterCount = (architecture: Architecture): number =>
  trainableTensors(architecture).reduce((sum, { shape }) => sum + elementCount(shape), 0);

/** PyTorch's default initialisation: weights and biases uniform in ±1/√fan-in, γ = 1, β = 0, running mean 0 and variance 1. */
export function initialState(architecture: Architecture, random: RandomGenerator): StateDict {
  const state: StateDict = new Map();
  let bound = 0;
  for (const { name, shape } of trainableTensors(architecture)) {
    const data = new Float32Array(elementCount(shape));
    if (shape.length > 1) bound = 1 / Math.sqrt(elementCount(shape) / shape[0]);
    if (isBatchNorm(name, architecture)) data.fill(name.endsWith('.weight') ? 1 : 0);
    else for (let i = 0; i < data.length; i++) data[i] = (2 * uniformFloat64(random) - 1) * bound;
    state.set(name, { shape, data });
  }
  for (const { name, shape } of statisticTensors(architecture)) {
    const data = new Float32Array(elementCount(shape)).fill(name.endsWith('running_var') ? 1 : 0);
    state.set(name, { shape, data });
  }
  return state;
}

function isBatchNorm(name: string, { channels }: Architecture): boolean {
  return channels.some((_, block) => {
    const { gamma, beta } = blockNames(block);
    return name === gamma || name === beta;
  });
}

/** Concatenates tensors in the order of `specs`. */
export function flatten(state: StateDict, specs: TensorSpec[]): Float32Array {
  const flat = new Float32Array(specs.reduce((sum, { shape }) => sum + elementCount(shape), 0));
  let offset = 0;
  for (const { name } of specs) {
    const { data } = state.get(name) as Tensor;
    flat.set(data, offset);
    offset += data.length;
  }
  return flat;
}

/** Everything that a training run must keep to go on exactly where it stopped. */
export interface TrainingState {
  parameters: Float32Array;
  moment1: Float32Array;
  moment2: Float32Array;
  /** BatchNorm's running statistics. */
  statistics: Float32Array;
  /** Steps taken. */
  step: number;
}

/** The part of a training state that scores. */
export type Weights = Pick<TrainingState, 'parameters' | 'statistics'>;

/** A network's state before the first training step. */
export function trainingStart(architecture: Architecture, state: StateDict): TrainingState {
  const parameters = flatten(state, trainableTensors(architecture));
  return {
    parameters,
    moment1: new Float32Array(parameters.length),
    moment2: new Float32Array(parameters.length),
    statistics: flatten(state, statisticTensors(architecture)),
    step: 0,
  };
}

/** The inverse of `flatten`: copies slices of `flat` into a new entry per spec of `state`. */
export function unflatten(flat: Float32Array, specs: TensorSpec[], state: StateDict): void {
  let offset = 0;
  for (const { name, shape } of specs) {
    const length = elementCount(shape);
    state.set(name, { shape, data: flat.slice(offset, offset + length) });
    offset += length;
  }
}
