import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { elementCount, trainableTensors } from '../../daemon/model/audioCnn.ts';
import { fitsBlocks } from '../../daemon/model/blockedTrainingBlocks.ts';
import { blockSizeOf, OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import { BETA1, BETA2, trainingGraph } from '../../daemon/model/trainingGraph.ts';
import {
  drawCase,
  GOLDEN_LEARNING_RATE,
  GOLDEN_WEIGHT_DECAY,
  type GoldenCase,
  goldenCases,
  torchVersion,
} from '../golden/goldenCase.ts';
import { floatsFromBase64 } from '../golden/goldenRandom.ts';

const TOLERANCE = 1e-4;

/** One step through the graph itself, gradient included. */
async function runStep(golden: GoldenCase, blockSize = 1) {
  const { shape, training, batch, positiveWeight } = drawCase(golden);
  const session = await InferenceSession.create(
    trainingGraph({ ...shape, batchSize: golden.batch, blockSize, withGradient: true }),
    { intraOpNumThreads: 1, graphOptimizationLevel: 'extended', logSeverityLevel: 3 },
  );
  const vector = (data: Float32Array) => new Tensor('float32', data, [data.length]);
  const step = training.step + 1;
  const outputs = await session.run({
    features: new Tensor('float32', batch.features, [golden.batch, 1, golden.bands, golden.frames]),
    labels: vector(batch.labels),
    mask: new Tensor('float32', batch.dropoutMask, [golden.batch, batch.dropoutMask.length / golden.batch]),
    parameters: vector(training.parameters),
    moment1: vector(training.moment1),
    moment2: vector(training.moment2),
    statistics: vector(training.statistics),
    hyper: hyperparameters(
      GOLDEN_LEARNING_RATE,
      GOLDEN_WEIGHT_DECAY,
      1 / (1 - BETA1 ** step),
      1 / (1 - BETA2 ** step),
      positiveWeight,
    ),
  });
  await session.release();
  return (name: string) => outputs[name].data as Float32Array;
}

const hyperparameters = (...values: number[]) =>
  new Tensor('float32', Float32Array.from(values), [values.length]);

const processorBlockSize = () =>
  blockSizeOf({ Tensor, openSession: (model) => InferenceSession.create(model, { logSeverityLevel: 4 }) });

/** Largest |actual − expected| of the stored values of each tensor; actual values are strided as the stored ones. */
function errorsByTensor(golden: GoldenCase, actual: Float32Array, expected: Float32Array) {
  const { architecture } = drawCase(golden);
  let end = 0;
  return trainableTensors(architecture).map(({ name, shape }) => {
    const start = end;
    end += elementCount(shape);
    let error = 0;
    let largest = 0;
    for (let i = Math.ceil(start / golden.stride); i * golden.stride < end; i++) {
      const difference = Math.abs(actual[i * golden.stride] - expected[i]);
      if (!(difference <= error)) error = difference;
      largest = Math.max(largest, Math.abs(expected[i]));
    }
    return { name, error, largest };
  });
}

/** BatchNorm takes out whatever a convolution's bias adds. */
const hasNoGradient = (name: string): boolean => /^features\.(0|4|8|12)\.bias$/.test(name);

function assertExact(golden: GoldenCase, output: (name: string) => Float32Array, context: TestContext) {
  const loss = output('loss')[0];
  assert.ok(Math.abs(loss - golden.loss) <= TOLERANCE * golden.loss, `loss ${loss}, not ${golden.loss}`);

  let worst = 0;
  const gradients = errorsByTensor(golden, output('gradient'), floatsFromBase64(golden.gradient));
  gradients.forEach(({ name, error }, i) => {
    const scale = hasNoGradient(name) ? 1e-3 : golden.gradient_maxima[i];
    const relative = error / scale;
    assert.ok(relative <= TOLERANCE, `gradient of ${name}: ${relative}`);
    worst = Math.max(worst, relative);
  });

  const next = floatsFromBase64(golden.next_parameters);
  for (const { name, error, largest } of errorsByTensor(golden, output('next_parameters'), next)) {
    assert.ok(error <= TOLERANCE * largest, `new ${name}: ${error / largest}`);
    // A step moves a weight by about the learning rate: the step itself has to be right too.
    assert.ok(error <= 0.01 * GOLDEN_LEARNING_RATE, `step of ${name}: ${error}`);
  }

  const statistics = floatsFromBase64(golden.next_statistics);
  output('next_statistics').forEach((value, i) => {
    const error = Math.abs(value - statistics[i]);
    assert.ok(error <= TOLERANCE * Math.max(1, Math.abs(statistics[i])), `statistic ${i}: ${error}`);
  });
  context.diagnostic(`largest relative error of a gradient: ${worst.toExponential(1)}`);
}

for (const [layout, blockSize] of [
  ['plain operators', 1],
  ['blocked convolutions', await processorBlockSize()],
] as const) {
  describe(`a training step of ${layout} against PyTorch ${torchVersion} in double precision`, () => {
    for (const golden of goldenCases) {
      const runs = layout === 'plain operators' || fitsBlocks(golden.channels, golden.bands, blockSize);
      if (!runs && blockSize > 1) continue;
      const options = { skip: runs ? false : 'this processor has no blocked convolutions' };
      it(`is exact for ${golden.name}`, options, async (context) => {
        assertExact(golden, await runStep(golden, blockSize), context);
      });
    }
  });
}

it('the moments of AdamW are kept', async () => {
  const golden = goldenCases[0];
  const { training } = drawCase(golden);
  const output = await runStep(golden);
  output('gradient').forEach((gradient, i) => {
    const moment1 = BETA1 * training.moment1[i] + (1 - BETA1) * gradient;
    const moment2 = BETA2 * training.moment2[i] + (1 - BETA2) * gradient ** 2;
    assert.ok(Math.abs(output('next_moment1')[i] - moment1) < 1e-8);
    assert.ok(Math.abs(output('next_moment2')[i] - moment2) < 1e-10);
  });
});

describe('the ONNX Runtime training engine', () => {
  it('takes the step of its graph, for batches of different sizes', async () => {
    const [usual, uneven] = ['a usual batch', 'an uneven last batch'].map(
      (name) => goldenCases.find((golden) => golden.name === name) as GoldenCase,
    );
    const first = drawCase(usual);
    const engine = await new OnnxRuntimeEngine({ threads: 1 }).createTraining(first.shape, first.training);
    for (const golden of [usual, uneven]) {
      const { training, batch, positiveWeight } = drawCase(golden);
      engine.restore(training);
      const loss = await engine.step(batch, {
        learningRate: GOLDEN_LEARNING_RATE,
        weightDecay: GOLDEN_WEIGHT_DECAY,
        positiveWeight,
      });
      assert.ok(Math.abs(loss - golden.loss) <= TOLERANCE * golden.loss);
      const { parameters, step } = engine.state();
      assert.equal(step, golden.step + 1);
      const expected = floatsFromBase64(golden.next_parameters);
      parameters.forEach((value, i) => {
        assert.ok(Math.abs(value - expected[i]) <= 0.01 * GOLDEN_LEARNING_RATE);
      });
    }
    await engine.dispose();
  });

  it('hands out copies of its state', async () => {
    const { shape, training, batch, positiveWeight } = drawCase(goldenCases[0]);
    const engine = await new OnnxRuntimeEngine({ threads: 1 }).createTraining(shape, training);
    const before = engine.state();
    const kept = structuredClone(before);
    await engine.step(batch, { learningRate: 0.1, weightDecay: 0, positiveWeight });
    assert.deepEqual(before, kept);
    const after = engine.state();
    assert.notDeepEqual(after.parameters, before.parameters);
    after.parameters.fill(0);
    assert.notDeepEqual(engine.state().parameters, after.parameters);
    await engine.dispose();
  });

  it('goes on from a restored state as if it had never stopped', async () => {
    const { shape, training, batch, positiveWeight } = drawCase(goldenCases[0]);
    const settings = { learningRate: 1e-2, weightDecay: 1e-2, positiveWeight };
    const engine = new OnnxRuntimeEngine({ threads: 1 });
    const unbroken = await engine.createTraining(shape, training);
    await unbroken.step(batch, settings);
    const middle = unbroken.state();
    await unbroken.step(batch, settings);
    const resumed = await engine.createTraining(shape, middle);
    await resumed.step(batch, settings);
    assert.deepEqual(resumed.state(), unbroken.state());
    await Promise.all([unbroken.dispose(), resumed.dispose()]);
  });
});
