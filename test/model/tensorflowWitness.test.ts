import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  BATCH_NORM_EPSILON,
  blockNames,
  LINEAR_BIAS,
  LINEAR_WEIGHT,
  trainableTensors,
} from '../../daemon/model/audioCnn.ts';
import { trainingGraph } from '../../daemon/model/trainingGraph.ts';
import { drawCase, type GoldenInputs, goldenCases } from '../golden/goldenCase.ts';

/** Both engines compute in single precision. */
const TOLERANCE = 1e-4;

/** The loss of AudioCNN as TensorFlow.js computes it, from the state_dict's tensors. */
function tensorflowLoss(inputs: GoldenInputs, weights: Map<string, tf.Tensor>): tf.Scalar {
  const { shape, architecture, batch, positiveWeight } = inputs;
  const weight = (name: string) => weights.get(name) as tf.Tensor;
  const count = batch.labels.length;
  let value: tf.Tensor4D = tf.tensor4d(batch.features, [count, shape.bands, shape.frames, 1]);
  architecture.channels.forEach((_, block) => {
    const names = blockNames(block);
    const kernel = weight(names.weight).transpose([2, 3, 1, 0]) as tf.Tensor4D;
    const map = tf.conv2d(value, kernel, 1, 'same').add(weight(names.bias));
    const { mean, variance } = tf.moments(map, [0, 1, 2]);
    const normalized = map.sub(mean).div(variance.add(BATCH_NORM_EPSILON).sqrt());
    value = normalized.mul(weight(names.gamma)).add(weight(names.beta)).relu() as tf.Tensor4D;
    if (block < architecture.channels.length - 1) value = tf.maxPool(value, 2, 2, 'valid');
  });
  const channels = value.shape[3];
  const averaged = value.mean([1, 2]).mul(tf.tensor2d(batch.dropoutMask, [count, channels])) as tf.Tensor2D;
  const logits = averaged
    .matMul(weight(LINEAR_WEIGHT).transpose() as tf.Tensor2D)
    .add(weight(LINEAR_BIAS))
    .squeeze([1]);
  const labels = tf.tensor1d(batch.labels);
  const positive = labels.mul(tf.softplus(logits.neg())).mul(positiveWeight);
  const negative = labels.neg().add(1).mul(tf.softplus(logits));
  return positive.add(negative).mean() as tf.Scalar;
}

/** Loss and every gradient by TensorFlow.js's automatic differentiation, in `trainableTensors` order. */
function differentiate(inputs: GoldenInputs): { loss: number; gradient: Float32Array[] } {
  const specs = trainableTensors(inputs.architecture);
  return tf.tidy(() => {
    const tensors = specs.map(({ name, shape }) =>
      tf.tensor(inputs.state.get(name)?.data as Float32Array, shape),
    );
    const { value, grads } = tf.valueAndGrads((...weights: tf.Tensor[]) =>
      tensorflowLoss(inputs, new Map(specs.map(({ name }, i) => [name, weights[i]]))),
    )(tensors);
    return {
      loss: value.dataSync()[0],
      gradient: grads.map((gradient) => gradient.dataSync() as Float32Array),
    };
  });
}

async function trainingStep(inputs: GoldenInputs): Promise<{ loss: number; gradient: Float32Array }> {
  const { shape, training, batch, positiveWeight } = inputs;
  const count = batch.labels.length;
  const bytes = trainingGraph({ ...shape, batchSize: count, withGradient: true });
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const vector = (data: Float32Array) => new Tensor('float32', data, [data.length]);
  const outputs = await session.run({
    features: new Tensor('float32', batch.features, [count, 1, shape.bands, shape.frames]),
    labels: vector(batch.labels),
    mask: new Tensor('float32', batch.dropoutMask, [count, batch.dropoutMask.length / count]),
    parameters: vector(training.parameters),
    moment1: vector(training.moment1),
    moment2: vector(training.moment2),
    statistics: vector(training.statistics),
    hyper: vector(Float32Array.of(1e-3, 0, 10, 1000, positiveWeight)),
  });
  await session.release();
  return { loss: Number(outputs.loss.data[0]), gradient: outputs.gradient.data as Float32Array };
}

describe(`a training step against TensorFlow.js ${tf.version_core}`, () => {
  before(async () => {
    await tf.setBackend('cpu');
  });

  for (const golden of goldenCases.filter(({ stride }) => stride === 1)) {
    it(`has the same loss and gradients for ${golden.name}`, async () => {
      const inputs = drawCase(golden);
      const expected = differentiate(inputs);
      const actual = await trainingStep(inputs);
      assert.ok(Math.abs(actual.loss - expected.loss) <= TOLERANCE * expected.loss);
      let offset = 0;
      trainableTensors(inputs.architecture).forEach(({ name }, i) => {
        const reference = expected.gradient[i];
        const largest = reference.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-2);
        reference.forEach((value, k) => {
          const error = Math.abs(actual.gradient[offset + k] - value) / largest;
          assert.ok(error <= TOLERANCE, `gradient of ${name}[${k}]: ${error}`);
        });
        offset += reference.length;
      });
    });
  }
});
