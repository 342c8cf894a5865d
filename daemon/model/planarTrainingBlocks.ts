import { BATCH_NORM_EPSILON, blockNames } from './audioCnn.ts';
import {
  type BatchNormParts,
  type BlockShape,
  FirstBlockInput,
  isPositive,
  noteStatistics,
  PATCH_PIXELS,
  POOL_PHASES,
  type StepContext,
  scaleSign,
  setGradients,
  statisticsGradient,
  TAPS,
  type TrainingBlock,
  type TrainingBlocks,
  turnedKernel,
} from './trainingBlock.ts';

/** Blocks on maps [N,C,H,W], of operators that every build and device of ONNX Runtime has. */
export function planarTrainingBlocks(context: StepContext): TrainingBlocks {
  const { graph: g, batchSize: N, weight } = context;
  const perChannel = (value: string) => g.reshape(value, [1, -1, 1, 1]);
  const convolve = (input: string, kernel: string) =>
    g.node('Conv', [input, kernel], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });

  /** Gradient of a 3×3 convolution's weights from its input [N,ci,H,W] and its output's gradient [N,co,H,W]. */
  const weightGradient = (shape: BlockShape, input: string, outputGradient: string) => {
    const { inputChannels: ci, channels: co, rows: H, columns: W } = shape;
    // Both maps get the padded width W + 2, so that shifting by a tap is shifting the flattened map by an offset.
    const width = W + 2;
    const padded = g.reshape(g.node('Pad', [input, g.integers([0, 0, 1, 1, 0, 0, 2, 1])]), [
      N,
      ci,
      (H + 3) * width,
    ]);
    const spread = g.reshape(g.node('Pad', [outputGradient, g.integers([0, 0, 0, 0, 0, 0, 0, 2])]), [
      N,
      co,
      H * width,
    ]);
    const perTap = Array.from({ length: TAPS }, (_, tap) => {
      const offset = Math.floor(tap / 3) * width + (tap % 3);
      const shifted = g.slice(padded, 2, offset, offset + H * width);
      return g.reshape(g.sum(g.matmulTransposed(spread, shifted), [0]), [co, ci, 1]);
    });
    return g.reshape(g.concat(perTap, 2), [co, ci, 3, 3]);
  };

  /** BatchNorm's mean and biased variance over N, H, W of a map [N,C,H,W]. */
  const momentsOf = (map: string, { block, channels }: BlockShape) => {
    // ONNX Runtime writes the new statistics over the old ones, which therefore must not be constants: it shares those.
    const old = context.runningStatistics(block);
    const [, mean, variance] = g.nodeWithOutputs(
      3,
      'BatchNormalization',
      [map, g.ones([channels]), g.zeros([channels]), old.mean, old.variance],
      { training_mode: 1, momentum: { float: 0 }, epsilon: { float: BATCH_NORM_EPSILON } },
    );
    return { mean, variance };
  };

  /** scale · map + shift, per channel. */
  const affine = (map: string, scale: string, shift: string, channels: number) =>
    g.node('BatchNormalization', [map, scale, shift, g.zeros([channels]), g.ones([channels])], {
      epsilon: { float: 0 },
    });

  /** The map's gradient through BatchNorm, from `direct`, the gradient by its output already multiplied by scale. */
  const batchNormBackward = (
    map: string,
    direct: string,
    { channels, rows, columns }: BlockShape,
    parts: BatchNormParts,
  ) => {
    const { slope, offset } = statisticsGradient(context, parts, N * rows * columns);
    return g.add(direct, affine(map, slope, offset, channels));
  };

  const inputGradient = (shape: BlockShape, kernel: string, mapGradient: string) =>
    convolve(mapGradient, turnedKernel(g, kernel, shape.inputChannels, shape.channels));

  /** Convolution and pooling as one matrix product over 4×4 patches. */
  const first = (features: string, shape: BlockShape): TrainingBlock => {
    const { channels: co, rows: H, columns: W } = shape;
    const [H2, W2] = [H >> 1, W >> 1];
    const L = H2 * W2;
    const input = new FirstBlockInput(context, shape, features);
    const scaled = g.multiply(input.kernel, g.reshape(input.scale, [co, 1]));
    const phaseKernels = g.reshape(g.matmul(scaled, input.select), [POOL_PHASES.length * co, PATCH_PIXELS]);
    const responses = g.reshape(g.matmul(phaseKernels, input.patches), [N, POOL_PHASES.length, co * L]);
    const phases = g.split(
      responses,
      1,
      POOL_PHASES.map(() => 1),
    );
    const maximum = phases.reduce((a, b) => g.node('Max', [a, b]));
    const output = g.node('Relu', [g.add(g.reshape(maximum, [N, co, H2, W2]), perChannel(input.shift))]);

    const backward = (outputGradient: string) => {
      const active = g.multiply(outputGradient, isPositive(g, output));
      // Each pooled gradient goes to the first phase that equals the maximum, as in PyTorch.
      let remaining = g.reshape(active, [N, 1, co * L]);
      const routed: string[] = [];
      for (const phase of phases.slice(0, -1)) {
        const taken = g.node('Where', [g.node('Equal', [phase, maximum]), remaining, g.constant(0)]);
        routed.push(taken);
        remaining = g.subtract(remaining, taken);
      }
      const phaseGradients = g.reshape(g.concat([...routed, remaining], 1), [N, POOL_PHASES.length * co, L]);
      const patchGradient = g.sum(g.matmulTransposed(phaseGradients, input.patches), [0]);
      input.setGradients(
        g.reshape(patchGradient, [POOL_PHASES.length, co, PATCH_PIXELS]),
        g.sum(active, [0, 2, 3]),
      );
      return outputGradient;
    };
    return { output, backward };
  };

  /**
   * Pools before BatchNorm and ReLU. The kernel takes γ's sign first, so that the maximum of the raw map is the maximum after
   * BatchNorm; BatchNorm and ReLU then work on a quarter of the values.
   */
  const middle = (input: string, shape: BlockShape): TrainingBlock => {
    const { block, channels: co, rows: H, columns: W } = shape;
    const names = blockNames(block);
    const sign = scaleSign(context, block);
    const kernelSign = g.reshape(sign, [co, 1, 1, 1]);
    const kernel = g.multiply(weight(names.weight), kernelSign);
    const map = convolve(input, kernel);
    const { mean, variance } = momentsOf(map, shape);
    const inverseDeviation = noteStatistics(context, block, g.multiply(mean, sign), variance, N * H * W);
    const scale = g.multiply(g.node('Abs', [weight(names.gamma)]), inverseDeviation);
    const pooling = { kernel_shape: [2, 2], strides: [2, 2] };
    const [pooled, indices] = g.nodeWithOutputs(2, 'MaxPool', [map], pooling);
    const shift = g.subtract(weight(names.beta), g.multiply(scale, mean));
    const output = g.node('Relu', [g.add(g.multiply(pooled, perChannel(scale)), perChannel(shift))]);

    const backward = (outputGradient: string) => {
      const active = g.multiply(outputGradient, isPositive(g, output));
      const shiftGradient = g.sum(active, [0, 2, 3]);
      const normalizedGradient = g.multiply(
        inverseDeviation,
        g.subtract(g.sum(g.multiply(active, pooled), [0, 2, 3]), g.multiply(mean, shiftGradient)),
      );
      const direct = g.node(
        'MaxUnpool',
        [g.multiply(active, perChannel(scale)), indices, g.integers([N, co, H, W])],
        pooling,
      );
      const parts = { scale, mean, inverseDeviation, shiftGradient, normalizedGradient };
      const mapGradient = batchNormBackward(map, direct, shape, parts);
      setGradients(context, shape, {
        weight: g.multiply(weightGradient(shape, input, mapGradient), kernelSign),
        gamma: g.multiply(normalizedGradient, sign),
        beta: shiftGradient,
      });
      return inputGradient(shape, kernel, mapGradient);
    };
    return { output, backward };
  };

  /** The gradient by the last block's map is constant over each channel of a clip where ReLU is active. */
  const last = (input: string, shape: BlockShape): TrainingBlock => {
    const { block, channels: co, rows: H, columns: W } = shape;
    const names = blockNames(block);
    const kernel = weight(names.weight);
    const map = convolve(input, kernel);
    const { mean, variance } = momentsOf(map, shape);
    const inverseDeviation = noteStatistics(context, block, mean, variance, N * H * W);
    const scale = g.multiply(weight(names.gamma), inverseDeviation);
    const shift = g.subtract(weight(names.beta), g.multiply(scale, mean));
    const rectified = g.node('Relu', [affine(map, scale, shift, co)]);
    const output = g.node('ReduceMean', [rectified], { axes: [2, 3], keepdims: 0 });

    const backward = (outputGradient: string) => {
      const perPixel = g.multiply(outputGradient, g.constant(1 / (H * W)));
      const active = isPositive(g, rectified);
      const shiftGradient = g.sum(g.multiply(perPixel, g.sum(active, [2, 3])), [0]);
      const activeSum = g.sum(g.multiply(active, map), [2, 3]);
      const normalizedGradient = g.multiply(
        inverseDeviation,
        g.subtract(g.sum(g.multiply(perPixel, activeSum), [0]), g.multiply(mean, shiftGradient)),
      );
      const direct = g.multiply(active, g.reshape(g.multiply(perPixel, scale), [N, co, 1, 1]));
      const parts = { scale, mean, inverseDeviation, shiftGradient, normalizedGradient };
      const mapGradient = batchNormBackward(map, direct, shape, parts);
      setGradients(context, shape, {
        weight: weightGradient(shape, input, mapGradient),
        gamma: normalizedGradient,
        beta: shiftGradient,
      });
      return inputGradient(shape, kernel, mapGradient);
    };
    return { output, backward };
  };

  return { first, middle, last };
}
