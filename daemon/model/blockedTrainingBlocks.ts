import { blockNames } from './audioCnn.ts';
import {
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

/** Values that a padded row is a multiple of, so that it is whole blocks whatever the block size. */
const ROW_MULTIPLE = 16;

/** Whether every map of the network can lie in blocks of `blockSize` channels. */
export function fitsBlocks(channels: number[], bands: number, blockSize: number): boolean {
  return (
    blockSize > 1 &&
    ROW_MULTIPLE % blockSize === 0 &&
    bands % 2 ** (channels.length - 1) === 0 &&
    channels.every((count) => count % blockSize === 0)
  );
}

/**
 * Blocks on maps [N, C/b, H, W, b] (declared as [N,C,H,W]): ONNX Runtime's blocked convolutions on x86 and ARM processors run
 * near the processor's peak. A per-channel scale and shift is a depthwise 1×1 convolution here, which can rectify and add
 * another map in the same pass.
 */
export function blockedTrainingBlocks(context: StepContext, b: number): TrainingBlocks {
  const { graph: g, batchSize: N, weight } = context;

  /** Kernel [co,ci,3,3] in the order of the blocked convolution: [co/b, ci/b, taps, b inputs, b outputs]. */
  const blockedKernel = (kernel: string, ci: number, co: number) => {
    const parts = g.reshape(kernel, [co / b, b, ci / b, b, TAPS]);
    return g.reshape(g.node('Transpose', [parts], { perm: [0, 2, 4, 3, 1] }), [co, ci, 3, 3]);
  };

  /** scale · map + shift per channel, added to `sum` where it is given, then rectified where that is asked for. */
  const affine = (
    map: string,
    scale: string,
    shift: string,
    channels: number,
    { sum, rectified = false }: { sum?: string; rectified?: boolean } = {},
  ) =>
    g.blockedNode(
      'Conv',
      [map, g.reshape(scale, [channels, 1, 1, 1]), shift, ...(sum === undefined ? [] : [sum])],
      { kernel_shape: [1, 1], group: channels, ...(rectified ? { activation: 'Relu' } : {}) },
    );

  /** Average over each channel of each clip, [N,C,1,1]. */
  const average = (map: string) => g.blockedNode('GlobalAveragePool', [map]);

  /** Σ over N, H, W of a map with `area` pixels, [C]. */
  const channelSum = (map: string, area: number) =>
    g.multiply(g.sum(average(map), [0, 2, 3]), g.constant(area));

  /** 1 where a is greater, else 0. */
  const greater = (a: string, c: string) => g.node('Cast', [g.node('Greater', [a, c])], { to: 1 });

  /** The four positions of each pooling window as maps of their own, [N,co,H/2,W/2] each: convolutions with stride 2. */
  const pooledPhases = (input: string, kernel: string, bias: string[], W: number) =>
    POOL_PHASES.map(([row, column]) =>
      g.blockedNode('Conv', [input, kernel, ...bias], {
        kernel_shape: [3, 3],
        strides: [2, 2],
        // The right padding that gives ⌊W/2⌋ columns.
        pads: [1 - row, 1 - column, row, W % 2 === 0 ? column : 0],
      }),
    );

  /** The larger of each window's upper and lower pair, and of the whole window. */
  const tournament = ([topLeft, topRight, bottomLeft, bottomRight]: string[]) => {
    const top = g.node('Max', [topLeft, topRight]);
    const bottom = g.node('Max', [bottomLeft, bottomRight]);
    return { top, bottom, maximum: g.node('Max', [top, bottom]) };
  };

  /** Each pooled gradient goes to the first position that equals the maximum, as in PyTorch. */
  const route = (
    phases: string[],
    { top, bottom }: { top: string; bottom: string },
    pooledGradient: string,
  ) => {
    const [topLeft, topRight, bottomLeft, bottomRight] = phases;
    /** Gradients of a pair: the second gets it only where it is greater. */
    const part = (first: string, second: string, gradient: string) => {
      const toSecond = g.multiply(gradient, greater(second, first));
      return [g.subtract(gradient, toSecond), toSecond];
    };
    const [toTop, toBottom] = part(top, bottom, pooledGradient);
    return [...part(topLeft, topRight, toTop), ...part(bottomLeft, bottomRight, toBottom)];
  };

  /** Width of a row with at least one zero after it. */
  const paddedWidth = (W: number) => Math.ceil((W + 1) / ROW_MULTIPLE) * ROW_MULTIPLE;

  /** Mean and biased variance per channel of maps whose values are together `count`; the maps are nearly centred. */
  const momentsOf = (maps: { map: string; area: number }[], count: number) => {
    const total = (of: (map: string) => string) =>
      maps.map(({ map, area }) => channelSum(of(map), area)).reduce((a, c) => g.add(a, c));
    const mean = g.multiply(
      total((map) => map),
      g.constant(1 / count),
    );
    const square = g.multiply(
      total((map) => g.multiply(map, map)),
      g.constant(1 / count),
    );
    return { mean, variance: g.subtract(square, g.multiply(mean, mean)) };
  };

  /**
   * Minus the running mean of the bare convolution, [C]: as the convolution's bias it centres the map, so that its variance
   * can be had from the mean square. BatchNorm takes it out again.
   */
  const centring = (block: number) =>
    g.subtract(weight(blockNames(block).bias), context.runningStatistics(block).mean);

  /**
   * Gradient of a 3×3 convolution's weights from its input [N,ci,H,W] and its output's gradient [N,co,H,padded width], whose
   * rows end in zeros. The gradient map itself is the kernel of a convolution as wide as the whole map, over the input's rows
   * laid end to end: it stands at 3 places, one for each row of the 3×3 kernel; each column of it has a shifted copy.
   */
  const weightGradient = (shape: BlockShape, input: string, mapGradient: string) => {
    const { inputChannels: ci, channels: co, rows: H, columns: W } = shape;
    const width = paddedWidth(W);
    const planes = g.reshape(g.blockedNode('ReorderOutput', [input], { channels: ci }), [N * ci, 1, H, W]);
    const shifts = g.tensor([1, 0, 0, 0, 1, 0, 0, 0, 1], [3, 1, 1, 3]);
    const shifted = g.node('Conv', [planes, shifts], {
      kernel_shape: [1, 3],
      pads: [1, 1, 1, 1 + width - W],
    });
    const rowBlocks = width / b;
    const products = g.blockedNode(
      'Conv',
      [
        g.reshape(shifted, [1, N * b, ci * 3, (H + 2) * rowBlocks]),
        g.reshape(mapGradient, [N * co, b, 1, H * rowBlocks]),
      ],
      { kernel_shape: [1, H * rowBlocks], strides: [1, rowBlocks], group: N },
    );
    // [N, co/b, ci, kernel column, kernel row, b]
    const summed = g.reshape(g.sum(g.reshape(products, [N, co * ci * TAPS]), [0]), [co / b, ci, 3, 3, b]);
    return g.reshape(g.node('Transpose', [summed], { perm: [0, 4, 1, 3, 2] }), [co, ci, 3, 3]);
  };

  /** Gradient by the convolution's input from that by its output, whose rows are padded. */
  const inputGradient = (shape: BlockShape, kernel: string, mapGradient: string) => {
    const { inputChannels: ci, channels: co, rows: H, columns: W } = shape;
    const turned = blockedKernel(turnedKernel(g, kernel, ci, co), co, ci);
    const wide = g.blockedNode('Conv', [mapGradient, turned], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
    const rows = g.reshape(wide, [(N * ci * H) / b, paddedWidth(W) * b]);
    return g.reshape(g.slice(rows, 1, 0, W * b), [N, ci, H, W]);
  };

  const first = (features: string, shape: BlockShape): TrainingBlock => {
    const { channels: co, rows: H, columns: W } = shape;
    const area = (H >> 1) * (W >> 1);
    const input = new FirstBlockInput(context, shape, features);
    const scaled = g.multiply(input.kernel, g.reshape(input.scale, [co, 1]));
    const outputsLast = g.node('Transpose', [g.reshape(scaled, [co / b, b, TAPS])], { perm: [0, 2, 1] });
    const phases = pooledPhases(features, g.reshape(outputsLast, [co, 1, 3, 3]), [], W);
    const winners = tournament(phases);
    const output = affine(winners.maximum, g.ones([co]), input.shift, co, { rectified: true });

    const backward = (outputGradient: string) => {
      const active = g.multiply(outputGradient, isPositive(g, output));
      const patches = g.reshape(input.patches, [N, 1, PATCH_PIXELS, area]);
      const perPhase = route(phases, winners, active).map((gradient) =>
        // [co/b, 16, b]
        g.sum(g.matmul(patches, g.reshape(gradient, [N, co / b, area, b])), [0]),
      );
      const stacked = g.reshape(g.concat(perPhase, 0), [POOL_PHASES.length, co / b, PATCH_PIXELS, b]);
      const patchGradient = g.node('Transpose', [stacked], { perm: [0, 1, 3, 2] });
      input.setGradients(
        g.reshape(patchGradient, [POOL_PHASES.length, co, PATCH_PIXELS]),
        channelSum(active, area),
      );
      return outputGradient;
    };
    return { output, backward };
  };

  /** Pools before BatchNorm and ReLU: the kernel takes γ's sign first, so that the maximum stays the maximum after BatchNorm. */
  const middle = (input: string, shape: BlockShape): TrainingBlock => {
    const { block, inputChannels: ci, channels: co, rows: H, columns: W } = shape;
    const [H2, W2] = [H >> 1, W >> 1];
    const names = blockNames(block);
    const count = N * H * W;
    const sign = scaleSign(context, block);
    const kernelSign = g.reshape(sign, [co, 1, 1, 1]);
    const kernel = g.multiply(weight(names.weight), kernelSign);
    const blocked = blockedKernel(kernel, ci, co);
    const bias = g.multiply(centring(block), sign);
    const phases = pooledPhases(input, blocked, [bias], W);
    const maps = phases.map((map) => ({ map, area: H2 * W2 }));
    // The last of an odd number of columns takes part in the statistics, though pooling drops it.
    const lastColumn = W % 2 === 1 ? lastColumnOf(input, blocked, bias, shape) : undefined;
    if (lastColumn !== undefined) maps.push({ map: lastColumn, area: H });
    const { mean, variance } = momentsOf(maps, count);
    const bareMean = g.multiply(g.subtract(mean, bias), sign);
    const inverseDeviation = noteStatistics(context, block, bareMean, variance, count);
    const scale = g.multiply(g.node('Abs', [weight(names.gamma)]), inverseDeviation);
    const winners = tournament(phases);
    const shift = g.subtract(weight(names.beta), g.multiply(scale, mean));
    const output = affine(winners.maximum, scale, shift, co, { rectified: true });

    const backward = (outputGradient: string) => {
      const active = g.multiply(outputGradient, isPositive(g, output));
      const shiftGradient = channelSum(active, H2 * W2);
      const normalizedGradient = g.multiply(
        inverseDeviation,
        g.subtract(channelSum(g.multiply(active, winners.maximum), H2 * W2), g.multiply(mean, shiftGradient)),
      );
      const parts = { scale, mean, inverseDeviation, shiftGradient, normalizedGradient };
      const { slope, offset } = statisticsGradient(context, parts, count);
      const direct = affine(active, scale, g.zeros([co]), co);
      const routed = route(phases, winners, direct);
      const mapGradient = interleave(
        phases.map((phase, i) => affine(phase, slope, offset, co, { sum: routed[i] })),
        lastColumn === undefined ? undefined : affine(lastColumn, slope, offset, co),
        shape,
      );
      setGradients(context, shape, {
        weight: g.multiply(weightGradient(shape, input, mapGradient), kernelSign),
        gamma: g.multiply(normalizedGradient, sign),
        beta: shiftGradient,
      });
      return inputGradient(shape, kernel, mapGradient);
    };
    return { output, backward };
  };

  /** The convolution's last column alone, [N,co,H,1]. */
  const lastColumnOf = (input: string, kernel: string, bias: string, shape: BlockShape) => {
    const { inputChannels: ci, rows: H, columns: W } = shape;
    const rows = g.reshape(input, [(N * ci * H) / b, W * b]);
    const columns = g.reshape(g.slice(rows, 1, (W - 2) * b, W * b), [N, ci, H, 2]);
    return g.blockedNode('Conv', [columns, kernel, bias], { kernel_shape: [3, 3], pads: [1, 0, 1, 1] });
  };

  /** The whole map [N,co,H,padded width] from its four phases and its last column; zeros fill the rows up. */
  const interleave = (phases: string[], lastColumn: string | undefined, shape: BlockShape) => {
    const { channels: co, rows: H, columns: W } = shape;
    const W2 = W >> 1;
    const pairs = (N * co * (H >> 1)) / b;
    const [topLeft, topRight, bottomLeft, bottomRight] = phases.map((phase) =>
      g.reshape(phase, [pairs, W2, b]),
    );
    const rowOf = (left: string, right: string) => g.reshape(g.concat([left, right], 2), [pairs, 2 * W2 * b]);
    const fill = (paddedWidth(W) - 2 * W2) * b;
    let tails = [g.zeros([pairs, fill]), g.zeros([pairs, fill])];
    if (lastColumn !== undefined) {
      const ends = g.split(g.reshape(lastColumn, [pairs, 2 * b]), 1, [b, b]);
      tails = ends.map((end) => g.concat([end, g.zeros([pairs, fill - b])], 1));
    }
    const [top, bottom] = [rowOf(topLeft, topRight), rowOf(bottomLeft, bottomRight)];
    return g.reshape(g.concat([top, tails[0], bottom, tails[1]], 1), [N, co, H, paddedWidth(W)]);
  };

  const last = (input: string, shape: BlockShape): TrainingBlock => {
    const { block, inputChannels: ci, channels: co, rows: H, columns: W } = shape;
    const area = H * W;
    const names = blockNames(block);
    const kernel = weight(names.weight);
    const bias = centring(block);
    const map = g.blockedNode('Conv', [input, blockedKernel(kernel, ci, co), bias], {
      kernel_shape: [3, 3],
      pads: [1, 1, 1, 1],
    });
    const { mean, variance } = momentsOf([{ map, area }], N * area);
    const inverseDeviation = noteStatistics(context, block, g.subtract(mean, bias), variance, N * area);
    const scale = g.multiply(weight(names.gamma), inverseDeviation);
    const shift = g.subtract(weight(names.beta), g.multiply(scale, mean));
    const rectified = affine(map, scale, shift, co, { rectified: true });
    const output = g.reshape(average(rectified), [N, co]);

    const backward = (outputGradient: string) => {
      const active = isPositive(g, rectified);
      const perClip = (averages: string) => g.reshape(averages, [N, co]);
      const shiftGradient = g.sum(g.multiply(outputGradient, perClip(average(active))), [0]);
      const activeMean = perClip(average(g.multiply(active, map)));
      const normalizedGradient = g.multiply(
        inverseDeviation,
        g.subtract(g.sum(g.multiply(outputGradient, activeMean), [0]), g.multiply(mean, shiftGradient)),
      );
      // Constant over each channel of each clip where ReLU is active: every clip's channels get scales of their own.
      const perPixel = g.multiply(g.multiply(outputGradient, scale), g.constant(1 / area));
      const direct = g.reshape(
        affine(g.reshape(active, [1, N * co, H, W]), perPixel, g.zeros([N * co]), N * co),
        [N, co, H, W],
      );
      const parts = { scale, mean, inverseDeviation, shiftGradient, normalizedGradient };
      const { slope, offset } = statisticsGradient(context, parts, N * area);
      const rows = g.reshape(affine(map, slope, offset, co, { sum: direct }), [(N * co * H) / b, W * b]);
      const fill = g.zeros([(N * co * H) / b, (paddedWidth(W) - W) * b]);
      const mapGradient = g.reshape(g.concat([rows, fill], 1), [N, co, H, paddedWidth(W)]);
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
