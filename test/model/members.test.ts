import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import {
  type Architecture,
  initialState,
  joinMembers,
  LINEAR_BIAS,
  pooledChannels,
  statisticTensors,
  trainableTensors,
  trainingStart,
} from '../../daemon/model/audioCnn.ts';
import type { Engine } from '../../daemon/model/engine.ts';
import { OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import { TensorflowEngine } from '../../daemon/model/tensorflowEngine.ts';
import { seededRandom } from '../../daemon/random.ts';

const MEMBERS = 3;
const CLIPS = 2;
const single: Architecture = { channels: [8, 16, 24], dropout: 0 };
const architecture: Architecture = { ...single, members: MEMBERS };
const size = { bands: 16, frames: 33 };

/** Networks that differ in everything, running statistics included. */
const states = Array.from({ length: MEMBERS }, (_, member) => {
  const random = seededRandom(member + 1);
  const state = initialState(single, random);
  for (const { name } of statisticTensors(single)) {
    const data = state.get(name)?.data as Float32Array;
    data.forEach((_, i) => {
      data[i] = 0.5 + 0.1 * ((i + member) % 7);
    });
  }
  return state;
});
const features = Float32Array.from({ length: CLIPS * size.bands * size.frames }, (_, i) => Math.sin(i * i));

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, what: string) => {
  assert.equal(actual.length, expected.length, what);
  const largest = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (let i = 0; i < expected.length; i++)
    assert.ok(
      Math.abs(actual[i] - expected[i]) <= 1e-5 * largest,
      `${what} ${i}: ${actual[i]}, not ${expected[i]}`,
    );
};

describe('networks joined into one', () => {
  const joined = joinMembers(states);

  it('have the tensors that the architecture with members asks for', () => {
    for (const { name, shape } of [...trainableTensors(architecture), ...statisticTensors(architecture)])
      assert.deepEqual(joined.get(name)?.shape, shape, name);
    assert.equal(pooledChannels(architecture), MEMBERS * 24);
  });

  const engines: [string, Engine][] = [
    ['onnxruntime', new OnnxRuntimeEngine({ threads: 1 })],
    ['tfjs', new TensorflowEngine(tf)],
  ];
  for (const [name, engine] of engines) {
    it(`give the mean of their logits and of their evidence, and all their pooled features, on ${name}`, async () => {
      const scoresOf = async (of: Architecture, state: typeof joined) => {
        const inference = await engine.createInference({ architecture: of, ...size }, state);
        try {
          return await inference.score(features, CLIPS);
        } finally {
          await inference.dispose();
        }
      };
      const apart = await Promise.all(states.map((state) => scoresOf(single, state)));
      const together = await scoresOf(architecture, joined);
      const mean = (pick: (scores: (typeof apart)[0]) => Float32Array) =>
        pick(apart[0]).map((_, i) => apart.reduce((sum, scores) => sum + pick(scores)[i], 0) / MEMBERS);
      assert.notEqual(apart[0].logits[0], apart[1].logits[0]);
      close(
        together.logits,
        mean(({ logits }) => logits),
        'logit',
      );
      close(
        together.evidence,
        mean(({ evidence }) => evidence),
        'evidence',
      );
      const pooled = Array.from({ length: CLIPS }, (_, clip) =>
        apart.flatMap((scores) => Array.from(scores.pooled.subarray(24 * clip, 24 * (clip + 1)))),
      );
      close(together.pooled, pooled.flat(), 'pooled');
      const bias = joined.get(LINEAR_BIAS)?.data[0] as number;
      const evidence = together.evidence.subarray(0, together.evidence.length / CLIPS);
      close(
        [evidence.reduce((sum, value) => sum + value, bias)],
        [together.logits[0]],
        'sum of the evidence',
      );
    });
  }

  it('are not trained together', async () => {
    const engine = new OnnxRuntimeEngine({ threads: 1 });
    const training = await engine
      .createTraining({ architecture, ...size }, trainingStart(architecture, joined))
      .then((network) =>
        network.step(
          {
            features,
            labels: Float32Array.of(0, 1),
            dropoutMask: new Float32Array(CLIPS * 72).fill(1),
          },
          { learningRate: 1e-3, weightDecay: 0, positiveWeight: 1 },
        ),
      )
      .catch((error: unknown) => error);
    assert.ok(training instanceof RangeError && /one by one/.test(training.message));
  });
});
