import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { elementCount, type TrainingState, trainableTensors } from '../../daemon/model/audioCnn.ts';
import type { Engine, Scores } from '../../daemon/model/engine.ts';
import { openEngine } from '../../daemon/model/engines.ts';
import { OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import { OnnxWebEngine } from '../../daemon/model/onnxWebEngine.ts';
import { TensorflowEngine } from '../../daemon/model/tensorflowEngine.ts';
import { BETA1 } from '../../daemon/model/trainingGraph.ts';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import {
  drawCase,
  GOLDEN_LEARNING_RATE,
  GOLDEN_WEIGHT_DECAY,
  type GoldenInputs,
  goldenCases,
} from '../golden/goldenCase.ts';

/** Every engine computes in single precision. */
const TOLERANCE = 1e-4;

async function scores(engine: Engine, { shape, state, batch }: GoldenInputs): Promise<Scores> {
  const inference = await engine.createInference(shape, state);
  const result = await inference.score(batch.features, batch.labels.length);
  const copied = {
    ...result,
    logits: result.logits.slice(),
    evidence: result.evidence.slice(),
    pooled: result.pooled.slice(),
  };
  await inference.dispose();
  return copied;
}

/** One step: its loss, the state after it, and the gradient that the first moment tells. */
async function step(engine: Engine, { shape, training, batch, positiveWeight }: GoldenInputs) {
  const network = await engine.createTraining(shape, structuredClone(training));
  const settings = {
    learningRate: GOLDEN_LEARNING_RATE,
    weightDecay: GOLDEN_WEIGHT_DECAY,
    positiveWeight,
  };
  const loss = await network.step(batch, settings);
  const state = network.state();
  await network.dispose();
  const gradient = state.moment1.map((value, i) => (value - BETA1 * training.moment1[i]) / (1 - BETA1));
  return { loss, gradient, state };
}

const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** The largest difference, as a share of the largest expected value or of `floor`. */
function distance(actual: Float32Array, expected: Float32Array, floor = 0): number {
  assert.equal(actual.length, expected.length);
  const scale = Math.max(floor, largest(expected));
  return actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]) / scale), 0);
}

function close(what: string, actual: Float32Array, expected: Float32Array, floor?: number): void {
  const error = distance(actual, expected, floor);
  assert.ok(error <= TOLERANCE, `${what}: ${error}`);
}

/** BatchNorm takes out whatever a convolution's bias adds. */
const hasNoGradient = (name: string): boolean => /^features\.(0|4|8|12)\.bias$/.test(name);

const engines = [
  {
    name: 'ONNX Runtime in WebAssembly',
    engine: () => new OnnxWebEngine({ threads: 2 }),
    cases: goldenCases,
  },
  {
    name: `TensorFlow.js ${tf.version_core}`,
    engine: () => new TensorflowEngine(tf),
    // Its JavaScript kernels need minutes for the large ones.
    cases: goldenCases.filter(({ stride }) => stride === 1),
  },
];

for (const { name, engine: create, cases } of engines) {
  describe(`${name} against ONNX Runtime's native build`, () => {
    const native = new OnnxRuntimeEngine({ threads: 1 });
    const engine = create();
    before(() => tf.setBackend('cpu'));

    for (const golden of cases) {
      it(`scores ${golden.name} the same`, async () => {
        const inputs = drawCase(golden);
        const [actual, expected] = [await scores(engine, inputs), await scores(native, inputs)];
        close('logits', actual.logits, expected.logits, 1);
        close('evidence', actual.evidence, expected.evidence);
        close('pooled', actual.pooled, expected.pooled);
        assert.deepEqual(
          [actual.evidenceRows, actual.evidenceColumns],
          [expected.evidenceRows, expected.evidenceColumns],
        );
      });

      it(`takes the same step for ${golden.name}`, async () => {
        const inputs = drawCase(golden);
        const [actual, expected] = [await step(engine, inputs), await step(native, inputs)];
        assert.ok(Math.abs(actual.loss - expected.loss) <= TOLERANCE * expected.loss, `loss ${actual.loss}`);
        let end = 0;
        for (const { name, shape } of trainableTensors(inputs.architecture)) {
          const start = end;
          end += elementCount(shape);
          const part = (values: Float32Array) => values.subarray(start, end);
          // What cancels out leaves rounding errors, which AdamW turns into a step of up to the learning rate.
          const [floor, stepFloor] = hasNoGradient(name) ? [1, GOLDEN_LEARNING_RATE / TOLERANCE] : [1e-2, 0];
          close(`gradient of ${name}`, part(actual.gradient), part(expected.gradient), floor);
          close(`new ${name}`, part(actual.state.parameters), part(expected.state.parameters), stepFloor);
        }
        for (const key of ['moment1', 'moment2', 'statistics'] satisfies (keyof TrainingState)[])
          close(key, actual.state[key], expected.state[key]);
        assert.equal(actual.state.step, expected.state.step);
      });
    }

    it('goes on from a restored state, and hands out copies of it', async () => {
      const { shape, training, batch, positiveWeight } = drawCase(cases[0]);
      const settings = { learningRate: 1e-2, weightDecay: 1e-2, positiveWeight };
      const network = await engine.createTraining(shape, structuredClone(training));
      await network.step(batch, settings);
      const middle = network.state();
      const kept = structuredClone(middle);
      await network.step(batch, settings);
      const end = network.state();
      assert.deepEqual(middle, kept);
      network.restore(middle);
      await network.step(batch, settings);
      assert.deepEqual(network.state(), end);
      assert.deepEqual(network.weights().parameters, end.parameters);
      await network.dispose();
    });
  });
}

describe('the choice of an engine', () => {
  const fails = (code: ErrorCode, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof DeepfakeError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };

  it('is ONNX Runtime on the CPU where nothing is asked for', async () => {
    for (const options of [{}, { engine: 'auto', device: 'auto' }, { device: 'cpu' }] as const) {
      const { facts } = await openEngine(options, assert.fail);
      assert.deepEqual(facts, { name: 'onnxruntime', device: 'cpu' });
    }
  });

  it('is the WebAssembly build where that is asked for', async () => {
    const { facts } = await openEngine({ engine: 'onnxruntime-web' }, assert.fail);
    assert.deepEqual(facts, { name: 'onnxruntime-web', device: 'cpu' });
  });

  it('refuses a device that the engine cannot use, and names that do not exist', async () => {
    for (const engine of ['onnxruntime-web', 'tfjs'] as const) {
      const wrong = openEngine({ engine, device: 'cuda' }, assert.fail);
      await assert.rejects(wrong, fails(ErrorCode.InvalidArguments, /computes on the CPU only/));
    }
    for (const options of [{ engine: 'torch' }, { device: 'tpu' }] as never[]) {
      const unknown = openEngine(options, assert.fail);
      await assert.rejects(unknown, fails(ErrorCode.InvalidArguments, /There is no .* choose one of/));
    }
  });
});
