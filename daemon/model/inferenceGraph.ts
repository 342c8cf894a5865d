import {
  type Architecture,
  BATCH_NORM_EPSILON,
  blockNames,
  LINEAR_BIAS,
  LINEAR_WEIGHT,
  type StateDict,
} from './audioCnn.ts';
import { OnnxGraph } from './onnxGraph.ts';

export const INPUT = 'features';
export const LOGIT = 'logit';
export const EVIDENCE = 'evidence';
export const POOLED = 'pooled';

/**
 * The network for inference as an ONNX model, BatchNorm folded into the convolutions.
 * Input `features` [N, 1, bands, frames]; outputs `logit` [N] and `evidence` [N, bands >> h, frames >> h] after h poolings,
 * whose sum over a clip plus the linear bias is the clip's logit (class activation map, Zhou et al. 2016); and `pooled`
 * [N, channels], what the linear layer weighs.
 */
export function inferenceGraph(
  architecture: Architecture,
  state: StateDict,
  bands: number,
  frames: number,
): Uint8Array {
  const graph = new OnnxGraph();
  const tensor = (name: string) => {
    const value = state.get(name);
    if (value === undefined) throw new RangeError(`The state has no tensor ${name}.`);
    return value.data;
  };
  const { members = 1 } = architecture;
  const lastBlock = architecture.channels.length - 1;
  let value = graph.input(INPUT, ['N', 1, bands, frames]);
  // Of one member.
  let inputChannels = 1;
  let rows = bands;
  let columns = frames;

  architecture.channels.forEach((channelsOut, block) => {
    const channels = channelsOut * members;
    const names = blockNames(block);
    const weight = tensor(names.weight);
    const [bias, gamma, beta] = [tensor(names.bias), tensor(names.gamma), tensor(names.beta)];
    const [mean, variance] = [tensor(names.runningMean), tensor(names.runningVariance)];
    const taps = inputChannels * 9;
    const foldedWeight = new Float32Array(channels * taps);
    const foldedBias = new Float32Array(channels);
    for (let c = 0; c < channels; c++) {
      const scale = gamma[c] / Math.sqrt(variance[c] + BATCH_NORM_EPSILON);
      foldedBias[c] = (bias[c] - mean[c]) * scale + beta[c];
      for (let k = 0; k < taps; k++) foldedWeight[c * taps + k] = weight[c * taps + k] * scale;
    }
    value = graph.node(
      'Conv',
      [
        value,
        graph.tensor(foldedWeight, [channels, inputChannels, 3, 3]),
        graph.tensor(foldedBias, [channels]),
      ],
      { kernel_shape: [3, 3], pads: [1, 1, 1, 1], group: block === 0 ? 1 : members },
    );
    value = graph.node('Relu', [value]);
    if (block < lastBlock) {
      value = graph.node('MaxPool', [value], { kernel_shape: [2, 2], strides: [2, 2] });
      rows >>= 1;
      columns >>= 1;
    }
    inputChannels = channelsOut;
  });

  const linear = tensor(LINEAR_WEIGHT);
  const width = linear.length;
  const bias = graph.tensor(tensor(LINEAR_BIAS), [1]);
  const pooled = graph.node('Flatten', [graph.node('GlobalAveragePool', [value])]);
  graph.output(POOLED, pooled, ['N', width]);
  const logit = graph.node('Gemm', [pooled, graph.tensor(linear, [1, width]), bias], { transB: 1 });
  graph.output(LOGIT, graph.node('Reshape', [logit, graph.integers([-1])]), ['N']);

  const share = linear.map((weight) => weight / (rows * columns));
  const map = graph.node('Conv', [value, graph.tensor(share, [1, width, 1, 1])], {
    kernel_shape: [1, 1],
  });
  graph.output(EVIDENCE, graph.node('Squeeze', [map, graph.integers([1])]), ['N', rows, columns]);
  return graph.toBytes();
}
