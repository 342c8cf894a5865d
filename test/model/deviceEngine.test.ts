import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Accelerator, DeviceEngine } from '../../daemon/model/deviceEngine.ts';
import type { Engine, InferenceEngine, TrainingEngine } from '../../daemon/model/engine.ts';
import { OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import { drawCase, goldenCases } from '../golden/goldenCase.ts';

const cpu = new OnnxRuntimeEngine({ threads: 1 });
const inputs = drawCase(goldenCases[0]);
const { shape, state, training } = inputs;

/** The CPU in the place of an accelerator, with faults. */
function accelerated(faults: { score?: () => void; step?: () => void; by?: number }): Engine {
  const { score, step, by = 0 } = faults;
  return {
    facts: { name: 'onnxruntime', device: 'webgpu' },
    async createInference(...args) {
      const inference = await cpu.createInference(...args);
      return {
        async score(features, count) {
          score?.();
          const scores = await inference.score(features, count);
          return { ...scores, logits: scores.logits.map((logit) => logit * (1 + by)) };
        },
        dispose: () => inference.dispose(),
      } satisfies InferenceEngine;
    },
    async createTraining(...args) {
      const network = await cpu.createTraining(...args);
      return {
        async step(batch, settings) {
          step?.();
          return (await network.step(batch, settings)) * (1 + by);
        },
        state: () => network.state(),
        weights: () => network.weights(),
        restore: (state) => network.restore(state),
        dispose: () => network.dispose(),
      } satisfies TrainingEngine;
    },
  };
}

const on = (faults: Parameters<typeof accelerated>[0], device: Accelerator = 'webgpu') =>
  new DeviceEngine(device, accelerated(faults), cpu);
const unavailable = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DeepfakeError);
  assert.equal(error.code, ErrorCode.DeviceUnavailable);
  assert.match(error.message, message);
  return true;
};
/** As ONNX Runtime words it. */
const fails = () => {
  throw new Error(
    "Non-zero status code returned while running Split node. Name:'v7' Status Message: /src/shader_helper.cc:291 Add() count <= limit was false. Too many storage buffers. \n",
  );
};

describe('an accelerator', () => {
  it('scores and trains where it does so as the CPU does', async () => {
    const engine = on({ by: 1e-6 });
    assert.deepEqual(engine.facts, { name: 'onnxruntime', device: 'webgpu' });
    const inference = await engine.createInference(shape, state);
    const { logits } = await inference.score(inputs.batch.features, inputs.batch.labels.length);
    assert.equal(logits.length, inputs.batch.labels.length);
    await inference.dispose();
    const before = structuredClone(training);
    const network = await engine.createTraining(shape, training);
    assert.deepEqual(network.state(), before, 'the step that was compared is not part of the run');
    await network.dispose();
  });

  it('is refused for a model that it scores wrongly, or not at all', async () => {
    await assert.rejects(
      on({ by: 0.01 }).createInference(shape, state),
      unavailable(
        /^The device webgpu scores this model wrongly \(by up to 1\.0 %\): choose the device cpu\.$/,
      ),
    );
    await assert.rejects(
      on({ by: Number.NaN }, 'cuda').createInference(shape, state),
      unavailable(/^The device cuda scores this model wrongly/),
    );
    await assert.rejects(
      on({ score: fails }).createInference(shape, state),
      unavailable(
        /^The device webgpu cannot score with this model \(Too many storage buffers\): choose the device cpu\.$/,
      ),
    );
  });

  it('is refused for training where its steps are wrong or impossible', async () => {
    await assert.rejects(
      on({ by: 0.01 }).createTraining(shape, training),
      unavailable(/^The device webgpu takes wrong training steps/),
    );
    await assert.rejects(
      on({ step: fails }).createTraining(shape, training),
      unavailable(/^The device webgpu cannot train \(Too many storage buffers\): choose the device cpu\.$/),
    );
  });
});
