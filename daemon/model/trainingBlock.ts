import { BATCH_NORM_EPSILON, blockNames } from './audioCnn.ts';
import type { OnnxGraph } from './onnxGraph.ts';

/** Taps of a 3×3 kernel. */
export const TAPS = 9;
/** Offsets of the four positions of a 2×2 pooling window, in the order in which PyTorch resolves ties. */
export const POOL_PHASES = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
] as const;
/** A 4×4 input patch holds the four 3×3 patches under one 2×2 pooling window. */
const PATCH = 4;
export const PATCH_PIXELS = PATCH * PATCH;

/** One block of the network within a training step. */
export interface BlockShape {
  /** 0 for the first. */
  block: number;
  inputChannels: number;
  channels: number;
  /** Size of the map before pooling. */
  rows: number;
  columns: number;
}

/** A block's part of the training step. */
export interface TrainingBlock {
  /** What the next block takes: a map, or [N,C] from the last block. */
  output: string;
  /** Adds the gradients of the block's parameters, and returns the gradient by its input from that by its output. */
  backward(outputGradient: string): string;
}

/** How blocks are computed. Each adds its nodes to the step's graph. */
export interface TrainingBlocks {
  /** Takes the features [N,1,rows,columns]; nobody needs the gradient by them. */
  first(input: string, shape: BlockShape): TrainingBlock;
  /** Takes and gives maps in the layout of these blocks. */
  middle(input: string, shape: BlockShape): TrainingBlock;
  /** Gives the average over the map, [N,C]. */
  last(input: string, shape: BlockShape): TrainingBlock;
}

/** What the blocks of one step share. */
export interface StepContext {
  graph: OnnxGraph;
  batchSize: number;
  /** A parameter by its state_dict name. */
  weight(name: string): string;
  /** Running mean and variance of a block before the step. */
  runningStatistics(block: number): { mean: string; variance: string };
  /** Gradients of the parameters, by name. */
  gradients: Map<string, string>;
  /** Per block the batch's mean and unbiased variance. */
  batchStatistics: string[];
}

/** What BatchNorm's backward pass needs of its forward pass. */
export interface BatchNormParts {
  /** γ/σ; for blocks that give the kernel γ's sign, |γ|/σ. */
  scale: string;
  mean: string;
  /** 1/√(variance + ε). */
  inverseDeviation: string;
  /** Σ direct gradient, per channel: the gradient by β. */
  shiftGradient: string;
  /** Σ direct gradient · normalised value, per channel: the gradient by γ. */
  normalizedGradient: string;
}

/** 1/√(variance + ε), and the batch's mean and unbiased variance noted for the running statistics. */
export function noteStatistics(
  { graph: g, weight, batchStatistics }: StepContext,
  block: number,
  mean: string,
  variance: string,
  count: number,
): string {
  batchStatistics.push(
    g.add(mean, weight(blockNames(block).bias)),
    g.multiply(variance, g.constant(count / (count - 1))),
  );
  return g.divide(g.constant(1), g.node('Sqrt', [g.add(variance, g.constant(BATCH_NORM_EPSILON))]));
}

/** The part of a map's gradient that comes through the batch's statistics: slope · map + offset, per channel. */
export function statisticsGradient(
  { graph: g }: StepContext,
  { scale, mean, inverseDeviation, shiftGradient, normalizedGradient }: BatchNormParts,
  count: number,
): { slope: string; offset: string } {
  const perValue = g.constant(1 / count);
  const slope = g.negate(
    g.multiply(g.multiply(scale, inverseDeviation), g.multiply(normalizedGradient, perValue)),
  );
  const offset = g.subtract(
    g.negate(g.multiply(scale, g.multiply(shiftGradient, perValue))),
    g.multiply(slope, mean),
  );
  return { slope, offset };
}

/** Notes the gradients of a block's parameters. BatchNorm takes out what the convolution's bias adds: its gradient is zero. */
export function setGradients(
  { graph, gradients }: StepContext,
  { block, channels }: BlockShape,
  { weight, gamma, beta }: { weight: string; gamma: string; beta: string },
): void {
  const names = blockNames(block);
  gradients.set(names.weight, weight);
  gradients.set(names.bias, graph.zeros([channels]));
  gradients.set(names.gamma, gamma);
  gradients.set(names.beta, beta);
}

/** +1 or −1 by γ's sign, [C]: a kernel multiplied by it has its maximum where BatchNorm's output has it. */
export function scaleSign({ graph: g, weight }: StepContext, block: number): string {
  const negative = g.node('Less', [weight(blockNames(block).gamma), g.constant(0)]);
  return g.node('Where', [negative, g.constant(-1), g.constant(1)]);
}

/** 1 where a rectified map is above zero, else 0, in one pass: a hard sigmoid too steep to have a slope. */
export function isPositive(g: OnnxGraph, rectified: string): string {
  return g.node('HardSigmoid', [rectified], { alpha: { float: 3e38 }, beta: { float: 0 } });
}

/** The kernel turned round with its channel axes swapped, [ci,co,3,3]: convolving with it gives the input's gradient. */
export function turnedKernel(g: OnnxGraph, kernel: string, ci: number, co: number): string {
  const reversed = g.integers([8, 7, 6, 5, 4, 3, 2, 1, 0]);
  const turned = g.node('Gather', [g.reshape(kernel, [co, ci, TAPS]), reversed], { axis: 2 });
  return g.reshape(g.node('Transpose', [turned], { perm: [1, 0, 2] }), [ci, co, 3, 3]);
}

/**
 * What the first block does in any layout. BatchNorm's statistics, and its part of the weight gradient, follow from the mean
 * and covariance of the input's 3×3 patches, so the full-size map is never touched again.
 */
export class FirstBlockInput {
  /** 4×4 patches at every pooling window, [N, 16, rows/2 · columns/2]. */
  readonly patches: string;
  /** [4, 9, 16]: picks a phase's 3×3 patch out of the 4×4 patch. */
  readonly select: string;
  /** Kernel [C, 9]. */
  readonly kernel: string;
  readonly mean: string;
  readonly inverseDeviation: string;
  /** γ/σ. */
  readonly scale: string;
  /** What BatchNorm adds after scaling. */
  readonly shift: string;
  private readonly patchMean: string;
  private readonly kernelCovariance: string;

  constructor(
    private readonly context: StepContext,
    private readonly shape: BlockShape,
    features: string,
  ) {
    const { graph: g, batchSize: N, weight } = context;
    const { channels: co, rows: H, columns: W } = shape;
    const names = blockNames(0);
    const count = N * H * W;
    this.kernel = g.reshape(weight(names.weight), [co, TAPS]);

    const pick = new Float32Array(PATCH_PIXELS * PATCH_PIXELS);
    for (let pixel = 0; pixel < PATCH_PIXELS; pixel++) pick[pixel * PATCH_PIXELS + pixel] = 1;
    const picked = g.node('Conv', [features, g.tensor(pick, [PATCH_PIXELS, 1, PATCH, PATCH])], {
      kernel_shape: [PATCH, PATCH],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
    });
    this.patches = g.reshape(picked, [N, PATCH_PIXELS, (H >> 1) * (W >> 1)]);

    const selection = new Float32Array(POOL_PHASES.length * TAPS * PATCH_PIXELS);
    POOL_PHASES.forEach(([row, column], phase) => {
      for (let tap = 0; tap < TAPS; tap++) {
        const pixel = (row + Math.floor(tap / 3)) * PATCH + column + (tap % 3);
        selection[(phase * TAPS + tap) * PATCH_PIXELS + pixel] = 1;
      }
    });
    this.select = g.tensor(selection, [POOL_PHASES.length, TAPS, PATCH_PIXELS]);

    let patchSum = g.sum(
      g.matmul(this.select, g.reshape(g.sum(this.patches, [0, 2]), [PATCH_PIXELS, 1])),
      [0],
    );
    const patchGram = g.sum(g.matmulTransposed(this.patches, this.patches), [0]);
    let gram = g.sum(g.matmulTransposed(g.matmul(this.select, patchGram), this.select), [0]);
    if (W % 2 === 1) {
      // The last column takes part in the statistics, though pooling drops it.
      const padded = g.node('Pad', [g.slice(features, 3, W - 2, W), g.integers([0, 0, 1, 0, 0, 0, 1, 1])]);
      const taps = Array.from({ length: TAPS }, (_, tap) => {
        const row = Math.floor(tap / 3);
        return g.slice(g.slice(padded, 2, row, row + H), 3, tap % 3, (tap % 3) + 1);
      });
      const column = g.reshape(g.concat(taps, 1), [N, TAPS, H]);
      patchSum = g.add(patchSum, g.reshape(g.sum(column, [0, 2]), [TAPS, 1]));
      gram = g.add(gram, g.sum(g.matmulTransposed(column, column), [0]));
    }
    this.patchMean = g.multiply(patchSum, g.constant(1 / count));
    const covariance = g.subtract(
      g.multiply(gram, g.constant(1 / count)),
      g.matmulTransposed(this.patchMean, this.patchMean),
    );
    this.mean = g.reshape(g.matmul(this.kernel, this.patchMean), [co]);
    this.kernelCovariance = g.matmul(this.kernel, covariance);
    const variance = g.sum(g.multiply(this.kernelCovariance, this.kernel), [1]);
    this.inverseDeviation = noteStatistics(context, 0, this.mean, variance, count);
    this.scale = g.multiply(weight(names.gamma), this.inverseDeviation);
    this.shift = g.subtract(weight(names.beta), g.multiply(this.scale, this.mean));
  }

  /** Sets the block's gradients from Σ gradient · patch, [4, C, 16], and from that by β. */
  setGradients(patchGradient: string, shiftGradient: string): void {
    const { graph: g } = this.context;
    const { channels: co } = this.shape;
    const asColumn = (value: string) => g.reshape(value, [co, 1]);
    const tapGradient = g.sum(g.matmulTransposed(patchGradient, this.select), [0]);
    const gammaGradient = g.multiply(
      this.inverseDeviation,
      g.subtract(g.sum(g.multiply(this.kernel, tapGradient), [1]), g.multiply(shiftGradient, this.mean)),
    );
    const centred = g.subtract(
      tapGradient,
      g.multiply(asColumn(shiftGradient), g.reshape(this.patchMean, [1, TAPS])),
    );
    const projected = g.multiply(
      asColumn(g.multiply(gammaGradient, this.inverseDeviation)),
      this.kernelCovariance,
    );
    setGradients(this.context, this.shape, {
      weight: g.multiply(asColumn(this.scale), g.subtract(centred, projected)),
      gamma: gammaGradient,
      beta: shiftGradient,
    });
  }
}
