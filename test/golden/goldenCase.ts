import {
  type Architecture,
  blockNames,
  elementCount,
  flatten,
  LINEAR_BIAS,
  LINEAR_WEIGHT,
  type StateDict,
  statisticTensors,
  type Tensor,
  type TrainingState,
  trainableTensors,
} from '../../daemon/model/audioCnn.ts';
import type { NetworkShape, TrainingBatch } from '../../daemon/model/engine.ts';
import { GoldenRandom } from './goldenRandom.ts';
import golden from './training.json' with { type: 'json' };

/** What padding looks like after normalisation. */
const SILENCE = -1.25;

/** A case of training.json. */
export interface GoldenCase {
  name: string;
  seed: number;
  channels: number[];
  bands: number;
  frames: number;
  batch: number;
  /** AdamW steps taken before. */
  step: number;
  silent_from?: number[];
  /** Kernels that see one pixel, and inputs of few levels. */
  centre_taps?: boolean;
  positive_weight?: number;
  labels?: number[];
  gamma?: Record<string, number[]>;
  /** Every how many values of gradient, parameters and evidence are stored. */
  stride: number;
  loss: number;
  /** Largest absolute gradient of each tensor. */
  gradient_maxima: number[];
  gradient: string;
  next_parameters: string;
  next_statistics: string;
  logits: string;
  evidence: string;
  evidence_shape: number[];
}

export const goldenCases = golden.cases as GoldenCase[];
export const torchVersion = golden.torch;

/** What make_training_golden.py set: learning rate and weight decay of its AdamW. */
export const GOLDEN_LEARNING_RATE = 1e-3;
export const GOLDEN_WEIGHT_DECAY = 1e-2;

/** Everything that a case starts from. */
export interface GoldenInputs {
  shape: NetworkShape;
  architecture: Architecture;
  state: StateDict;
  training: TrainingState;
  batch: TrainingBatch;
  positiveWeight: number;
}

/** Draws a case's weights, optimiser state and batch as make_training_golden.py does. */
export function drawCase(golden: GoldenCase): GoldenInputs {
  const random = new GoldenRandom(golden.seed);
  const { channels, batch, bands, frames } = golden;
  const architecture: Architecture = { channels, dropout: 0.25 };
  const state: StateDict = new Map();
  const set = (name: string, shape: number[], scale: number, offset = 0) =>
    state.set(name, { shape, data: random.array(elementCount(shape), scale, offset) });
  channels.forEach((outputs, block) => {
    const inputs = block === 0 ? 1 : channels[block - 1];
    const bound = 1 / Math.sqrt(inputs * 9);
    const names = blockNames(block);
    set(names.weight, [outputs, inputs, 3, 3], bound);
    set(names.bias, [outputs], bound);
    set(names.gamma, [outputs], 0.3, 1);
    const gamma = golden.gamma?.[block];
    if (gamma !== undefined) state.set(names.gamma, { shape: [outputs], data: Float32Array.from(gamma) });
    set(names.beta, [outputs], 0.2);
  });
  const last = channels[channels.length - 1];
  set(LINEAR_WEIGHT, [1, last], 1 / Math.sqrt(last));
  set(LINEAR_BIAS, [1], 1 / Math.sqrt(last));
  channels.forEach((outputs, block) => {
    set(blockNames(block).runningMean, [outputs], 0.1);
    set(blockNames(block).runningVariance, [outputs], 0.5, 1);
  });

  if (golden.centre_taps) {
    channels.forEach((_, block) => {
      const { data } = state.get(blockNames(block).weight) as Tensor;
      data.forEach((_, i) => {
        if (i % 9 !== 4) data[i] = 0;
      });
    });
  }
  const parameters = flatten(state, trainableTensors(architecture));
  const moment1 = random.array(parameters.length, 0.01);
  const moment2 = random.array(parameters.length, 5e-5, 1e-4);
  const features = random.array(batch * bands * frames, 1.7);
  if (golden.centre_taps) features.set(features.map((value) => Math.trunc(value * 2) / 2));
  golden.silent_from?.forEach((start, clip) => {
    for (let row = 0; row < bands; row++) {
      const rowStart = (clip * bands + row) * frames;
      features.fill(SILENCE, rowStart + start, rowStart + frames);
    }
  });
  const labels = Float32Array.from(golden.labels ?? Array.from({ length: batch }, (_, clip) => clip % 2));
  const dropoutMask = random.array(batch * last).map((value) => (value < -0.5 ? 0 : 4 / 3));
  const fresh = golden.step === 0;
  return {
    shape: { architecture, bands, frames },
    architecture,
    state,
    training: {
      parameters,
      moment1: fresh ? new Float32Array(parameters.length) : moment1,
      moment2: fresh ? new Float32Array(parameters.length) : moment2,
      statistics: flatten(state, statisticTensors(architecture)),
      step: golden.step,
    },
    batch: { features, labels, dropoutMask },
    positiveWeight: golden.positive_weight ?? 1,
  };
}
