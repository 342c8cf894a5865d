import type * as Tf from '@tensorflow/tfjs';
import type { EngineFacts } from '../../shared/verdict.ts';
import {
  type Architecture,
  BATCH_NORM_EPSILON,
  BATCH_NORM_MOMENTUM,
  blockNames,
  elementCount,
  LINEAR_BIAS,
  LINEAR_WEIGHT,
  type StateDict,
  type TensorSpec,
  type TrainingState,
  trainableTensors,
  type Weights,
} from './audioCnn.ts';
import type {
  Engine,
  InferenceEngine,
  NetworkShape,
  Scores,
  StepSettings,
  TrainingBatch,
  TrainingEngine,
} from './engine.ts';
import { ADAM_EPSILON, BETA1, BETA2 } from './trainingGraph.ts';

/** TensorFlow.js with whatever backend it has: `@tensorflow/tfjs-node`, or `@tensorflow/tfjs` itself. */
export type TensorFlow = typeof Tf;

/** AudioCNN written in TensorFlow.js, with gradients by its automatic differentiation. */
export class TensorflowEngine implements Engine {
  readonly facts: EngineFacts = { name: 'tfjs', device: 'cpu' };

  constructor(private readonly tf: TensorFlow) {}

  async createInference(shape: NetworkShape, state: StateDict): Promise<InferenceEngine> {
    return new TensorflowInference(this.tf, shape, state);
  }

  async createTraining(shape: NetworkShape, initial: TrainingState): Promise<TrainingEngine> {
    return new TensorflowTraining(this.tf, shape, initial);
  }
}

/** A tensor of the state_dict by its name. */
type Lookup = (name: string) => Tf.Tensor;
interface Moments {
  mean: Tf.Tensor;
  variance: Tf.Tensor;
}

/**
 * What the last block gives, [N, rows, columns, channels]; TensorFlow's layout has the channels last. `momentsOf` says by what
 * mean and variance a block's map is normalised.
 */
function activations(
  tf: TensorFlow,
  { channels, members = 1 }: Architecture,
  weight: Lookup,
  features: Tf.Tensor4D,
  momentsOf: (map: Tf.Tensor, block: number) => Moments,
): Tf.Tensor4D {
  let value = features;
  channels.forEach((_, block) => {
    const names = blockNames(block);
    const grouped = weight(names.weight);
    const dense = block === 0 ? grouped : withoutGroups(tf, grouped, members);
    const kernel = dense.transpose([2, 3, 1, 0]) as Tf.Tensor4D;
    const map = tf.conv2d(value, kernel, 1, 'same').add(weight(names.bias));
    const { mean, variance } = momentsOf(map, block);
    const normalized = map.sub(mean).div(variance.add(BATCH_NORM_EPSILON).sqrt());
    value = normalized.mul(weight(names.gamma)).add(weight(names.beta)).relu() as Tf.Tensor4D;
    if (block < channels.length - 1) value = tf.maxPool(value, 2, 2, 'valid');
  });
  return value;
}

/** The same convolution without groups, which TensorFlow.js lacks: zeros between the members. */
function withoutGroups(tf: TensorFlow, weight: Tf.Tensor, members: number): Tf.Tensor {
  if (members === 1) return weight;
  const [rows] = weight.shape;
  const own = rows / members;
  return tf.concat(
    tf.split(weight, members).map((part, member) =>
      tf.concat(
        Array.from({ length: members }, (_, other) =>
          other === member ? part : tf.zeros([own, ...part.shape.slice(1)]),
        ),
        1,
      ),
    ),
  );
}

const inputTensor = (
  tf: TensorFlow,
  { bands, frames }: NetworkShape,
  features: Float32Array,
  count: number,
) => tf.tensor4d(features, [count, bands, frames, 1]);

class TensorflowInference implements InferenceEngine {
  private readonly weights: Map<string, Tf.Tensor>;

  constructor(
    private readonly tf: TensorFlow,
    private readonly shape: NetworkShape,
    state: StateDict,
  ) {
    this.weights = new Map(
      Array.from(state, ([name, { data, shape }]) => [name, tf.tensor(data, shape)] as const),
    );
  }

  async score(features: Float32Array, count: number): Promise<Scores> {
    const { tf, shape } = this;
    const weight = (name: string) => this.weights.get(name) as Tf.Tensor;
    return tf.tidy(() => {
      const input = inputTensor(tf, shape, features, count);
      const value = activations(tf, shape.architecture, weight, input, (_, block) => ({
        mean: weight(blockNames(block).runningMean),
        variance: weight(blockNames(block).runningVariance),
      }));
      const [, evidenceRows, evidenceColumns] = value.shape;
      const map = value.mul(weight(LINEAR_WEIGHT).reshape([-1])).sum(3);
      const evidence = map.div(evidenceRows * evidenceColumns);
      return {
        logits: evidence.sum([1, 2]).add(weight(LINEAR_BIAS)).dataSync<'float32'>(),
        evidence: evidence.dataSync<'float32'>(),
        evidenceRows,
        evidenceColumns,
        pooled: value.mean([1, 2]).dataSync<'float32'>(),
      };
    });
  }

  async dispose(): Promise<void> {
    this.tf.dispose(Array.from(this.weights.values()));
  }
}

/** A step's loss, its gradient by every parameter, and mean and unbiased variance of every block's map. */
interface Differentiated {
  loss: number;
  gradient: Float32Array;
  batchStatistics: Float32Array;
}

class TensorflowTraining implements TrainingEngine {
  private readonly specs: TensorSpec[];

  constructor(
    private readonly tf: TensorFlow,
    private readonly shape: NetworkShape,
    private current: TrainingState,
  ) {
    this.specs = trainableTensors(shape.architecture);
  }

  async step(batch: TrainingBatch, settings: StepSettings): Promise<number> {
    const { loss, gradient, batchStatistics } = this.differentiate(batch, settings.positiveWeight);
    const old = this.current;
    const step = old.step + 1;
    const moment1 = old.moment1.map((value, i) => BETA1 * value + (1 - BETA1) * gradient[i]);
    const moment2 = old.moment2.map((value, i) => BETA2 * value + (1 - BETA2) * gradient[i] ** 2);
    const { learningRate, weightDecay } = settings;
    const parameters = old.parameters.map((value, i) => {
      const deviation = Math.sqrt(moment2[i] / (1 - BETA2 ** step)) + ADAM_EPSILON;
      const update = moment1[i] / (1 - BETA1 ** step) / deviation;
      return value * (1 - learningRate * weightDecay) - learningRate * update;
    });
    const statistics = old.statistics.map(
      (value, i) => value + BATCH_NORM_MOMENTUM * (batchStatistics[i] - value),
    );
    this.current = { parameters, moment1, moment2, statistics, step };
    return loss;
  }

  state(): TrainingState {
    return structuredClone(this.current);
  }

  weights(): Weights {
    return this.current;
  }

  restore(state: TrainingState): void {
    this.current = state;
  }

  async dispose(): Promise<void> {}

  private differentiate(batch: TrainingBatch, positiveWeight: number): Differentiated {
    const { tf, specs } = this;
    const noted: Tf.Tensor[] = [];
    return tf.tidy(() => {
      let end = 0;
      const tensors = specs.map(({ shape }) => {
        const start = end;
        end += elementCount(shape);
        return tf.tensor(this.current.parameters.subarray(start, end), shape);
      });
      const lossOf = (...values: Tf.Tensor[]) => {
        const weights = new Map(specs.map(({ name }, i) => [name, values[i]]));
        return this.loss(batch, positiveWeight, (name) => weights.get(name) as Tf.Tensor, noted);
      };
      const { value, grads } = tf.valueAndGrads(lossOf)(tensors);
      const concatenated = (parts: Tf.Tensor[]) =>
        tf.concat(parts.map((part) => part.reshape([-1]))).dataSync<'float32'>();
      const result = {
        loss: value.dataSync()[0],
        gradient: concatenated(grads),
        batchStatistics: concatenated(noted),
      };
      tf.dispose(noted);
      return result;
    });
  }

  /** Mean BCE-with-logits of the batch. Notes each block's statistics. */
  private loss(batch: TrainingBatch, positiveWeight: number, weight: Lookup, noted: Tf.Tensor[]): Tf.Scalar {
    const { tf, shape } = this;
    const count = batch.labels.length;
    const input = inputTensor(tf, shape, batch.features, count);
    const value = activations(tf, shape.architecture, weight, input, (map) => {
      const { mean, variance } = tf.moments(map, [0, 1, 2]);
      const values = map.size / mean.size;
      // Gradients need not go through what is noted, and it must outlive the tape.
      noted.push(tf.keep(mean.clone()), tf.keep(variance.mul(values / (values - 1))));
      return { mean, variance };
    });
    const mask = tf.tensor2d(batch.dropoutMask, [count, value.shape[3]]);
    const averaged = value.mean([1, 2]).mul(mask) as Tf.Tensor2D;
    const logits = averaged
      .matMul(weight(LINEAR_WEIGHT).transpose() as Tf.Tensor2D)
      .add(weight(LINEAR_BIAS))
      .squeeze([1]);
    const labels = tf.tensor1d(batch.labels);
    const positive = labels.mul(tf.softplus(logits.neg())).mul(positiveWeight);
    const negative = labels.neg().add(1).mul(tf.softplus(logits));
    return positive.add(negative).mean() as Tf.Scalar;
  }
}
