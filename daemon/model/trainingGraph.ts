import {
  type Architecture,
  BATCH_NORM_MOMENTUM,
  elementCount,
  LINEAR_BIAS,
  LINEAR_WEIGHT,
  parameterCount,
  statisticTensors,
  trainableTensors,
} from './audioCnn.ts';
import { blockedTrainingBlocks, fitsBlocks } from './blockedTrainingBlocks.ts';
import { OnnxGraph } from './onnxGraph.ts';
import { planarTrainingBlocks } from './planarTrainingBlocks.ts';
import type { StepContext, TrainingBlock } from './trainingBlock.ts';

/** AdamW's decay rates and stabiliser (Loshchilov & Hutter 2019; PyTorch's defaults). */
export const BETA1 = 0.9;
export const BETA2 = 0.999;
export const ADAM_EPSILON = 1e-8;

export interface TrainingGraphOptions {
  architecture: Architecture;
  /** Examples per step; fixed by the graph. */
  batchSize: number;
  bands: number;
  frames: number;
  /**
   * Channels in one block of the processor's blocked convolutions (see `blockSizeOf`): the step then runs on them where the
   * network fits. Default 1: operators that every build and device of ONNX Runtime has.
   */
  blockSize?: number;
  /** Also output `gradient`, the loss's gradient by every parameter. */
  withGradient?: boolean;
}

/**
 * One training step of AudioCNN as an ONNX model: forward pass with batch statistics, BCE-with-logits, backward pass, AdamW.
 *
 * Inputs: `features` [N,1,bands,frames]; `labels` [N] in [0,1]; `mask` [N,C] dropout mask scaled by 1/(1−p);
 * `parameters`, `moment1`, `moment2` [P] in `trainableTensors` order; `statistics` [S] in `statisticTensors` order;
 * `hyper` [5] = learning rate, weight decay, 1/(1−β₁ᵗ), 1/(1−β₂ᵗ), positive weight.
 * Outputs: `loss` [], and `next_` parameters, moment1, moment2, statistics.
 */
export function trainingGraph(options: TrainingGraphOptions): Uint8Array {
  const { architecture, batchSize: N, bands, frames, blockSize = 1 } = options;
  const { channels } = architecture;
  if ((architecture.members ?? 1) > 1) throw new RangeError('Members are trained one by one.');
  if (bands % 2 !== 0) throw new RangeError(`The number of bands must be even, not ${bands}.`);
  const g = new OnnxGraph();

  const P = parameterCount(architecture);
  const statisticSpecs = statisticTensors(architecture);
  const S = statisticSpecs.reduce((count, { shape }) => count + elementCount(shape), 0);
  const lastChannels = channels[channels.length - 1];
  const features = g.input('features', [N, 1, bands, frames]);
  const labels = g.input('labels', [N]);
  const mask = g.input('mask', [N, lastChannels]);
  const parameters = g.input('parameters', [P]);
  const moment1 = g.input('moment1', [P]);
  const moment2 = g.input('moment2', [P]);
  const statistics = g.input('statistics', [S]);
  const hyper = g.input('hyper', [5]);
  const [learningRate, weightDecay, correction1, correction2, positiveWeight] = g.split(
    hyper,
    0,
    [1, 1, 1, 1, 1],
  );

  const specs = trainableTensors(architecture);
  const sizesOf = (tensors: { shape: number[] }[]) => tensors.map(({ shape }) => elementCount(shape));
  const slices = g.split(parameters, 0, sizesOf(specs));
  const weights = new Map(specs.map(({ name, shape }, i) => [name, g.reshape(slices[i], shape)]));
  const running = g.split(statistics, 0, sizesOf(statisticSpecs));
  const context: StepContext = {
    graph: g,
    batchSize: N,
    weight: (name) => weights.get(name) as string,
    runningStatistics: (block) => ({ mean: running[2 * block], variance: running[2 * block + 1] }),
    gradients: new Map(),
    batchStatistics: [],
  };
  const blockMaker = fitsBlocks(channels, bands, blockSize)
    ? blockedTrainingBlocks(context, blockSize)
    : planarTrainingBlocks(context);

  // Forward
  const blocks: TrainingBlock[] = [];
  let value = features;
  channels.forEach((co, block) => {
    const shape = {
      block,
      inputChannels: block === 0 ? 1 : channels[block - 1],
      channels: co,
      rows: bands >> block,
      columns: frames >> block,
    };
    if (block === 0) blocks.push(blockMaker.first(value, shape));
    else if (block < channels.length - 1) blocks.push(blockMaker.middle(value, shape));
    else blocks.push(blockMaker.last(value, shape));
    value = blocks[block].output;
  });
  const dropped = g.multiply(value, mask);
  const linear = context.weight(LINEAR_WEIGHT);
  const logits = g.add(g.reshape(g.matmulTransposed(dropped, linear), [N]), context.weight(LINEAR_BIAS));

  // loss = mean((1−y)·z + (1 + (w−1)·y)·softplus(−z)), the stable form of BCE-with-logits with positive weight w
  const lossWeight = g.add(g.multiply(labels, g.subtract(positiveWeight, g.constant(1))), g.constant(1));
  const genuine = g.subtract(g.constant(1), labels);
  const softplus = g.add(
    g.node('Log', [g.add(g.node('Exp', [g.negate(g.node('Abs', [logits]))]), g.constant(1))]),
    g.node('Relu', [g.negate(logits)]),
  );
  const losses = g.add(g.multiply(genuine, logits), g.multiply(lossWeight, softplus));
  g.output('loss', g.node('ReduceMean', [losses], { axes: [0], keepdims: 0 }), []);

  // Backward
  const logitGradient = g.multiply(
    g.subtract(genuine, g.multiply(lossWeight, g.node('Sigmoid', [g.negate(logits)]))),
    g.constant(1 / N),
  );
  const logitColumn = g.reshape(logitGradient, [N, 1]);
  context.gradients.set(LINEAR_WEIGHT, g.microsoftNode('FusedMatMul', [logitColumn, dropped], { transA: 1 }));
  context.gradients.set(LINEAR_BIAS, g.sum(logitGradient, [0]));
  let outputGradient = g.multiply(g.matmul(logitColumn, linear), mask);
  for (const block of blocks.reverse()) outputGradient = block.backward(outputGradient);

  // AdamW
  const gradient = g.concat(
    specs.map(({ name, shape }) => g.reshape(context.gradients.get(name) as string, [elementCount(shape)])),
    0,
  );
  const decay = (old: string, rate: number, fresh: string) =>
    g.add(g.multiply(old, g.constant(rate)), g.multiply(fresh, g.constant(1 - rate)));
  const nextMoment1 = decay(moment1, BETA1, gradient);
  const nextMoment2 = decay(moment2, BETA2, g.multiply(gradient, gradient));
  const update = g.divide(
    g.multiply(nextMoment1, correction1),
    g.add(g.node('Sqrt', [g.multiply(nextMoment2, correction2)]), g.constant(ADAM_EPSILON)),
  );
  const kept = g.multiply(parameters, g.subtract(g.constant(1), g.multiply(learningRate, weightDecay)));
  g.output('next_parameters', g.subtract(kept, g.multiply(learningRate, update)), [P]);
  g.output('next_moment1', nextMoment1, [P]);
  g.output('next_moment2', nextMoment2, [P]);
  const fresh = g.concat(context.batchStatistics, 0);
  g.output('next_statistics', decay(statistics, 1 - BATCH_NORM_MOMENTUM, fresh), [S]);
  if (options.withGradient) g.output('gradient', gradient, [P]);
  return g.toBytes();
}

/** A model that tells the processor's block size: its output [1,b,1,1] has as many channels as a block. */
export function blockSizeGraph(): Uint8Array {
  const g = new OnnxGraph();
  const smallest = g.input('smallest', [1, 4, 1, 1]);
  g.output('block', g.blockedNode('ReorderInput', [smallest]), [1, 'b', 1, 1]);
  return g.toBytes();
}
