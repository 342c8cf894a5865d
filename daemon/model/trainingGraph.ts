import {
  type Architecture,
  BATCH_NORM_EPSILON,
  BATCH_NORM_MOMENTUM,
  blockNames,
  elementCount,
  LINEAR_BIAS,
  LINEAR_WEIGHT,
  parameterCount,
  statisticTensors,
  trainableTensors,
} from './audioCnn.ts';
import { OnnxGraph } from './onnxGraph.ts';

/** AdamW's decay rates and stabiliser (Loshchilov & Hutter 2019; PyTorch's defaults). */
export const BETA1 = 0.9;
export const BETA2 = 0.999;
const ADAM_EPSILON = 1e-8;

/** Taps of a 3×3 kernel. */
const TAPS = 9;
/** Offsets of the four positions of a 2×2 pooling window, in the order in which PyTorch resolves ties. */
const POOL_PHASES = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
] as const;
/** A 4×4 input patch holds the four 3×3 patches under one 2×2 pooling window. */
const PATCH = 4;

export interface TrainingGraphOptions {
  architecture: Architecture;
  /** Examples per step; fixed by the graph. */
  batchSize: number;
  bands: number;
  frames: number;
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
  const { architecture, batchSize: N, bands, frames } = options;
  const { channels } = architecture;
  if (bands % 2 !== 0) throw new RangeError(`The number of bands must be even, not ${bands}.`);
  const g = new OnnxGraph();
  const add = (a: string, b: string) => g.node('Add', [a, b]);
  const sub = (a: string, b: string) => g.node('Sub', [a, b]);
  const mul = (a: string, b: string) => g.node('Mul', [a, b]);
  const div = (a: string, b: string) => g.node('Div', [a, b]);
  const neg = (a: string) => g.node('Neg', [a]);
  const reshape = (value: string, shape: number[]) => g.node('Reshape', [value, g.integers(shape)]);
  const sum = (value: string, axes: number[]) =>
    g.node('ReduceSum', [value, g.integers(axes)], { keepdims: 0 });
  const matmul = (a: string, b: string) => g.node('MatMul', [a, b]);
  /** a · bᵀ over the last two axes. */
  const matmulTransposed = (a: string, b: string) => g.microsoftNode('FusedMatMul', [a, b], { transB: 1 });
  const perChannel = (value: string) => reshape(value, [1, -1, 1, 1]);
  const zeros = (count: number) => g.tensor(new Float32Array(count), [count]);
  const ones = (count: number) => g.tensor(new Float32Array(count).fill(1), [count]);

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
  const [learningRate, weightDecay, correction1, correction2, positiveWeight] = g.nodeWithOutputs(
    5,
    'Split',
    [g.input('hyper', [5]), g.integers([1, 1, 1, 1, 1])],
    { axis: 0 },
  );

  const specs = trainableTensors(architecture);
  const slices = g.nodeWithOutputs(
    specs.length,
    'Split',
    [parameters, g.integers(specs.map(({ shape }) => elementCount(shape)))],
    { axis: 0 },
  );
  const weights = new Map(specs.map(({ name, shape }, i) => [name, reshape(slices[i], shape)]));
  const weight = (name: string) => weights.get(name) as string;
  const gradients = new Map<string, string>();
  const batchStatistics: string[] = [];
  const oldStatistics = g.nodeWithOutputs(
    statisticSpecs.length,
    'Split',
    [statistics, g.integers(statisticSpecs.map(({ shape }) => elementCount(shape)))],
    { axis: 0 },
  );

  /** 1/√(variance + ε), and the batch's mean and unbiased variance noted for the running statistics. */
  const noteStatistics = (block: number, mean: string, variance: string, count: number) => {
    batchStatistics.push(
      add(mean, weight(blockNames(block).bias)),
      mul(variance, g.constant(count / (count - 1))),
    );
    return div(g.constant(1), g.node('Sqrt', [add(variance, g.constant(BATCH_NORM_EPSILON))]));
  };

  /** Gradient of a 3×3 convolution's weights from its input [N,ci,H,W] and its output's gradient [N,co,H,W]. */
  const weightGradient = (
    ci: number,
    co: number,
    H: number,
    W: number,
    input: string,
    outputGradient: string,
  ) => {
    // Both maps get the padded width W + 2, so that shifting by a tap is shifting the flattened map by an offset.
    const width = W + 2;
    const padded = reshape(g.node('Pad', [input, g.integers([0, 0, 1, 1, 0, 0, 2, 1])]), [
      N,
      ci,
      (H + 3) * width,
    ]);
    const spread = reshape(g.node('Pad', [outputGradient, g.integers([0, 0, 0, 0, 0, 0, 0, 2])]), [
      N,
      co,
      H * width,
    ]);
    const perTap = Array.from({ length: TAPS }, (_, tap) => {
      const offset = Math.floor(tap / 3) * width + (tap % 3);
      const shifted = g.node('Slice', [
        padded,
        g.integers([offset]),
        g.integers([offset + H * width]),
        g.integers([2]),
      ]);
      return reshape(sum(matmulTransposed(spread, shifted), [0]), [co, ci, 1]);
    });
    return reshape(g.node('Concat', perTap, { axis: 2 }), [co, ci, 3, 3]);
  };

  /** Gradient of a 3×3 convolution's input: convolution with the kernel turned round and its channel axes swapped. */
  const inputGradient = (ci: number, co: number, kernel: string, outputGradient: string) => {
    const turned = g.node(
      'Gather',
      [reshape(kernel, [co, ci, TAPS]), g.integers([8, 7, 6, 5, 4, 3, 2, 1, 0])],
      {
        axis: 2,
      },
    );
    const swapped = reshape(g.node('Transpose', [turned], { perm: [1, 0, 2] }), [ci, co, 3, 3]);
    return g.node('Conv', [outputGradient, swapped], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  };

  /** Takes the gradient by a block's output and returns the gradient by its input. */
  type Backward = (outputGradient: string) => string;
  interface Block {
    output: string;
    backward: Backward;
  }

  /**
   * First block: convolution and pooling as one matrix product over 4×4 patches. BatchNorm's statistics, and its part of the
   * weight gradient, follow from the mean and covariance of the input's 3×3 patches, so the full-size map is never touched again.
   */
  const firstBlock = (input: string, co: number, H: number, W: number): Block => {
    const names = blockNames(0);
    const [H2, W2] = [H >> 1, W >> 1];
    const L = H2 * W2;
    const count = N * H * W;
    const kernel = reshape(weight(names.weight), [co, TAPS]);
    const gamma = weight(names.gamma);

    const padded = g.node('Pad', [input, g.integers([0, 0, 1, 1, 0, 0, 1, 1])]);
    const patchPixels: string[] = [];
    for (let u = 0; u < PATCH; u++) {
      for (let v = 0; v < PATCH; v++) {
        patchPixels.push(
          g.node('Slice', [
            padded,
            g.integers([u, v]),
            g.integers([u + 2 * H2 - 1, v + 2 * W2 - 1]),
            g.integers([2, 3]),
            g.integers([2, 2]),
          ]),
        );
      }
    }
    const patches = reshape(g.node('Concat', patchPixels, { axis: 1 }), [N, PATCH * PATCH, L]);

    // select[phase] picks a phase's 3×3 patch out of the 4×4 patch.
    const selection = new Float32Array(POOL_PHASES.length * TAPS * PATCH * PATCH);
    POOL_PHASES.forEach(([row, column], phase) => {
      for (let tap = 0; tap < TAPS; tap++) {
        const pixel = (row + Math.floor(tap / 3)) * PATCH + column + (tap % 3);
        selection[(phase * TAPS + tap) * PATCH * PATCH + pixel] = 1;
      }
    });
    const select = g.tensor(selection, [POOL_PHASES.length, TAPS, PATCH * PATCH]);

    let patchSum = sum(matmul(select, reshape(sum(patches, [0, 2]), [PATCH * PATCH, 1])), [0]);
    const gram16 = sum(matmulTransposed(patches, patches), [0]);
    let gram = sum(matmulTransposed(matmul(select, gram16), select), [0]);
    if (W % 2 === 1) {
      // The last column takes part in the statistics, though pooling drops it.
      const columnTaps = Array.from({ length: TAPS }, (_, tap) =>
        g.node('Slice', [
          padded,
          g.integers([Math.floor(tap / 3), W - 1 + (tap % 3)]),
          g.integers([Math.floor(tap / 3) + H, W + (tap % 3)]),
          g.integers([2, 3]),
        ]),
      );
      const column = reshape(g.node('Concat', columnTaps, { axis: 1 }), [N, TAPS, H]);
      patchSum = add(patchSum, reshape(sum(column, [0, 2]), [TAPS, 1]));
      gram = add(gram, sum(matmulTransposed(column, column), [0]));
    }
    const patchMean = mul(patchSum, g.constant(1 / count));
    const covariance = sub(mul(gram, g.constant(1 / count)), matmulTransposed(patchMean, patchMean));

    const mean = reshape(matmul(kernel, patchMean), [co]);
    const kernelCovariance = matmul(kernel, covariance);
    const variance = sum(mul(kernelCovariance, kernel), [1]);
    const inverseDeviation = noteStatistics(0, mean, variance, count);
    const scale = mul(gamma, inverseDeviation);
    const shift = sub(weight(names.beta), mul(scale, mean));

    const asColumn = (value: string) => reshape(value, [co, 1]);
    const phaseKernels = reshape(matmul(mul(kernel, asColumn(scale)), select), [
      POOL_PHASES.length * co,
      PATCH * PATCH,
    ]);
    const responses = reshape(matmul(phaseKernels, patches), [N, POOL_PHASES.length, co * L]);
    const phases = g.nodeWithOutputs(POOL_PHASES.length, 'Split', [responses], { axis: 1 });
    const maximum = phases.reduce((a, b) => g.node('Max', [a, b]));
    const output = g.node('Relu', [add(reshape(maximum, [N, co, H2, W2]), perChannel(shift))]);

    const backward: Backward = (outputGradient) => {
      const active = mul(outputGradient, g.node('Sign', [output]));
      const shiftGradient = sum(active, [0, 2, 3]);
      // Each pooled gradient goes to the first phase that equals the maximum, as in PyTorch.
      let remaining = reshape(active, [N, 1, co * L]);
      const routed: string[] = [];
      for (const phase of phases.slice(0, -1)) {
        const taken = g.node('Where', [g.node('Equal', [phase, maximum]), remaining, g.constant(0)]);
        routed.push(taken);
        remaining = sub(remaining, taken);
      }
      const phaseGradients = reshape(g.node('Concat', [...routed, remaining], { axis: 1 }), [
        N,
        POOL_PHASES.length * co,
        L,
      ]);
      const patchGradient = reshape(sum(matmulTransposed(phaseGradients, patches), [0]), [
        POOL_PHASES.length,
        co,
        PATCH * PATCH,
      ]);
      const tapGradient = sum(matmulTransposed(patchGradient, select), [0]);
      const gammaGradient = mul(
        inverseDeviation,
        sub(sum(mul(kernel, tapGradient), [1]), mul(shiftGradient, mean)),
      );
      const centred = sub(tapGradient, mul(asColumn(shiftGradient), reshape(patchMean, [1, TAPS])));
      const projected = mul(asColumn(mul(gammaGradient, inverseDeviation)), kernelCovariance);
      gradients.set(names.weight, mul(asColumn(scale), sub(centred, projected)));
      gradients.set(names.bias, zeros(co));
      gradients.set(names.gamma, gammaGradient);
      gradients.set(names.beta, shiftGradient);
      return outputGradient;
    };
    return { output, backward };
  };

  /** BatchNorm's mean and biased variance over N, H, W of a map [N,C,H,W]. */
  const momentsOf = (map: string, block: number) => {
    const channelCount = channels[block];
    // ONNX Runtime writes the new statistics over the old ones, which therefore must not be constants: it shares those.
    const [, mean, variance] = g.nodeWithOutputs(
      3,
      'BatchNormalization',
      [map, ones(channelCount), zeros(channelCount), oldStatistics[2 * block], oldStatistics[2 * block + 1]],
      { training_mode: 1, momentum: { float: 0 }, epsilon: { float: BATCH_NORM_EPSILON } },
    );
    return { mean, variance };
  };

  /** The map's gradient through BatchNorm: scale·(direct − ΣD/M − x̂·ΣDx̂/M), `direct` already multiplied by scale. */
  const batchNormBackward = (
    map: string,
    direct: string,
    co: number,
    count: number,
    parts: BatchNormParts,
  ) => {
    const { scale, mean, inverseDeviation, shiftGradient, normalizedGradient } = parts;
    const slope = neg(mul(mul(scale, inverseDeviation), mul(normalizedGradient, g.constant(1 / count))));
    const offset = sub(neg(mul(scale, mul(shiftGradient, g.constant(1 / count)))), mul(slope, mean));
    const correction = g.node('BatchNormalization', [map, slope, offset, zeros(co), ones(co)], {
      epsilon: { float: 0 },
    });
    return add(direct, correction);
  };

  /**
   * Middle block: pools before BatchNorm and ReLU. The kernel takes γ's sign first, so that the maximum of the raw map is
   * the maximum after BatchNorm; BatchNorm and ReLU then work on a quarter of the values.
   */
  const pooledBlock = (block: number, input: string, ci: number, co: number, H: number, W: number): Block => {
    const names = blockNames(block);
    const count = N * H * W;
    const negative = g.node('Less', [weight(names.gamma), g.constant(0)]);
    const sign = g.node('Where', [negative, g.constant(-1), g.constant(1)]);
    const kernelSign = reshape(sign, [co, 1, 1, 1]);
    const kernel = mul(weight(names.weight), kernelSign);
    const map = g.node('Conv', [input, kernel], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
    const { mean, variance } = momentsOf(map, block);
    const inverseDeviation = noteStatistics(block, mul(mean, sign), variance, count);
    const scale = mul(g.node('Abs', [weight(names.gamma)]), inverseDeviation);
    const [pooled, indices] = g.nodeWithOutputs(2, 'MaxPool', [map], {
      kernel_shape: [2, 2],
      strides: [2, 2],
    });
    const shift = sub(weight(names.beta), mul(scale, mean));
    const output = g.node('Relu', [add(mul(pooled, perChannel(scale)), perChannel(shift))]);

    const backward: Backward = (outputGradient) => {
      const active = mul(outputGradient, g.node('Sign', [output]));
      const shiftGradient = sum(active, [0, 2, 3]);
      const normalizedGradient = mul(
        inverseDeviation,
        sub(sum(mul(active, pooled), [0, 2, 3]), mul(mean, shiftGradient)),
      );
      const direct = g.node(
        'MaxUnpool',
        [mul(active, perChannel(scale)), indices, g.integers([N, co, H, W])],
        {
          kernel_shape: [2, 2],
          strides: [2, 2],
        },
      );
      const parts = { scale, mean, inverseDeviation, shiftGradient, normalizedGradient };
      const mapGradient = batchNormBackward(map, direct, co, count, parts);
      gradients.set(names.weight, mul(weightGradient(ci, co, H, W, input, mapGradient), kernelSign));
      gradients.set(names.bias, zeros(co));
      gradients.set(names.gamma, mul(normalizedGradient, sign));
      gradients.set(names.beta, shiftGradient);
      return inputGradient(ci, co, kernel, mapGradient);
    };
    return { output, backward };
  };

  /** Last block: its output is the global average [N,C], so the gradient by its map is constant where ReLU is active. */
  const averagedBlock = (
    block: number,
    input: string,
    ci: number,
    co: number,
    H: number,
    W: number,
  ): Block => {
    const names = blockNames(block);
    const count = N * H * W;
    const kernel = weight(names.weight);
    const map = g.node('Conv', [input, kernel], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
    const { mean, variance } = momentsOf(map, block);
    const inverseDeviation = noteStatistics(block, mean, variance, count);
    const scale = mul(weight(names.gamma), inverseDeviation);
    const normalized = g.node(
      'BatchNormalization',
      [map, scale, sub(weight(names.beta), mul(scale, mean)), zeros(co), ones(co)],
      { epsilon: { float: 0 } },
    );
    const rectified = g.node('Relu', [normalized]);
    const output = g.node('ReduceMean', [rectified], { axes: [2, 3], keepdims: 0 });

    const backward: Backward = (outputGradient) => {
      const perPixel = mul(outputGradient, g.constant(1 / (H * W)));
      const active = g.node('Sign', [rectified]);
      const shiftGradient = sum(mul(perPixel, sum(active, [2, 3])), [0]);
      const activeSum = sum(mul(active, map), [2, 3]);
      const normalizedGradient = mul(
        inverseDeviation,
        sub(sum(mul(perPixel, activeSum), [0]), mul(mean, shiftGradient)),
      );
      const direct = mul(active, reshape(mul(perPixel, scale), [N, co, 1, 1]));
      const parts = { scale, mean, inverseDeviation, shiftGradient, normalizedGradient };
      const mapGradient = batchNormBackward(map, direct, co, count, parts);
      gradients.set(names.weight, weightGradient(ci, co, H, W, input, mapGradient));
      gradients.set(names.bias, zeros(co));
      gradients.set(names.gamma, normalizedGradient);
      gradients.set(names.beta, shiftGradient);
      return inputGradient(ci, co, kernel, mapGradient);
    };
    return { output, backward };
  };

  // Forward
  const blocks: Block[] = [];
  let value = features;
  channels.forEach((co, block) => {
    const [H, W] = [bands >> block, frames >> block];
    const ci = block === 0 ? 1 : channels[block - 1];
    if (block === 0) blocks.push(firstBlock(value, co, H, W));
    else if (block < channels.length - 1) blocks.push(pooledBlock(block, value, ci, co, H, W));
    else blocks.push(averagedBlock(block, value, ci, co, H, W));
    value = blocks[block].output;
  });
  const dropped = mul(value, mask);
  const linear = weight(LINEAR_WEIGHT);
  const logits = add(reshape(matmulTransposed(dropped, linear), [N]), weight(LINEAR_BIAS));

  // loss = mean((1−y)·z + (1 + (w−1)·y)·softplus(−z)), the stable form of BCE-with-logits with positive weight w
  const lossWeight = add(mul(labels, sub(positiveWeight, g.constant(1))), g.constant(1));
  const genuine = sub(g.constant(1), labels);
  const softplus = add(
    g.node('Log', [add(g.node('Exp', [neg(g.node('Abs', [logits]))]), g.constant(1))]),
    g.node('Relu', [neg(logits)]),
  );
  const losses = add(mul(genuine, logits), mul(lossWeight, softplus));
  g.output('loss', g.node('ReduceMean', [losses], { axes: [0], keepdims: 0 }), []);

  // Backward
  const logitGradient = mul(
    sub(genuine, mul(lossWeight, g.node('Sigmoid', [neg(logits)]))),
    g.constant(1 / N),
  );
  const logitColumn = reshape(logitGradient, [N, 1]);
  gradients.set(LINEAR_WEIGHT, g.microsoftNode('FusedMatMul', [logitColumn, dropped], { transA: 1 }));
  gradients.set(LINEAR_BIAS, sum(logitGradient, [0]));
  let outputGradient = mul(matmul(logitColumn, linear), mask);
  for (const block of blocks.reverse()) outputGradient = block.backward(outputGradient);

  // AdamW
  const gradient = g.node(
    'Concat',
    specs.map(({ name, shape }) => reshape(gradients.get(name) as string, [elementCount(shape)])),
    { axis: 0 },
  );
  const decay = (old: string, rate: number, fresh: string) =>
    add(mul(old, g.constant(rate)), mul(fresh, g.constant(1 - rate)));
  const nextMoment1 = decay(moment1, BETA1, gradient);
  const nextMoment2 = decay(moment2, BETA2, mul(gradient, gradient));
  const update = div(
    mul(nextMoment1, correction1),
    add(g.node('Sqrt', [mul(nextMoment2, correction2)]), g.constant(ADAM_EPSILON)),
  );
  const kept = mul(parameters, sub(g.constant(1), mul(learningRate, weightDecay)));
  g.output('next_parameters', sub(kept, mul(learningRate, update)), [P]);
  g.output('next_moment1', nextMoment1, [P]);
  g.output('next_moment2', nextMoment2, [P]);
  const fresh = g.node('Concat', batchStatistics, { axis: 0 });
  g.output('next_statistics', decay(statistics, 1 - BATCH_NORM_MOMENTUM, fresh), [S]);
  if (options.withGradient) g.output('gradient', gradient, [P]);
  return g.toBytes();
}

interface BatchNormParts {
  scale: string;
  mean: string;
  inverseDeviation: string;
  shiftGradient: string;
  /** Σ direct gradient · normalised value, per channel. */
  normalizedGradient: string;
}
