import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LINEAR_BIAS } from '../../daemon/model/audioCnn.ts';
import { OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import { drawCase, goldenCases, torchVersion } from '../golden/goldenCase.ts';
import { floatsFromBase64 } from '../golden/goldenRandom.ts';

const TOLERANCE = 1e-4;
const engine = new OnnxRuntimeEngine({ threads: 1 });

describe(`inference against PyTorch ${torchVersion} in double precision`, () => {
  for (const golden of goldenCases) {
    it(`has the same logits and evidence for ${golden.name}`, async () => {
      const { shape, state, batch } = drawCase(golden);
      const inference = await engine.createInference(shape, state);
      const scores = await inference.score(batch.features, golden.batch);
      await inference.dispose();

      const logits = floatsFromBase64(golden.logits);
      assert.equal(scores.logits.length, golden.batch);
      logits.forEach((logit, clip) => {
        assert.ok(
          Math.abs(scores.logits[clip] - logit) <= TOLERANCE * Math.max(1, Math.abs(logit)),
          `logit ${clip}`,
        );
      });

      assert.deepEqual([scores.evidenceRows, scores.evidenceColumns], golden.evidence_shape);
      assert.equal(scores.evidence.length, golden.batch * scores.evidenceRows * scores.evidenceColumns);
      const evidence = floatsFromBase64(golden.evidence);
      const largest = evidence.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      evidence.forEach((value, i) => {
        const error = Math.abs(scores.evidence[i * golden.stride] - value);
        assert.ok(error <= TOLERANCE * largest, `evidence ${i}: ${error / largest}`);
      });
    });
  }
});

describe('the evidence map', () => {
  it('sums up to the logit without the linear bias', async () => {
    for (const golden of goldenCases) {
      const { shape, state, batch } = drawCase(golden);
      const inference = await engine.createInference(shape, state);
      const { logits, evidence } = await inference.score(batch.features, golden.batch);
      await inference.dispose();
      const bias = state.get(LINEAR_BIAS)?.data[0] as number;
      const size = evidence.length / golden.batch;
      logits.forEach((logit, clip) => {
        const map = evidence.subarray(clip * size, (clip + 1) * size);
        const sum = map.reduce((total, value) => total + value, 0);
        const scale = map.reduce((total, value) => total + Math.abs(value), 0);
        assert.ok(
          Math.abs(sum - (logit - bias)) <= TOLERANCE * scale,
          `${golden.name}: ${sum}, not ${logit - bias}`,
        );
      });
    }
  });
});

describe('scores', () => {
  it('of a clip do not depend on the clips beside it', async () => {
    const { shape, state, batch } = drawCase(goldenCases[0]);
    const size = shape.bands * shape.frames;
    const inference = await engine.createInference(shape, state);
    const together = await inference.score(batch.features, goldenCases[0].batch);
    for (const [clip, logit] of together.logits.entries()) {
      const alone = await inference.score(batch.features.slice(clip * size, (clip + 1) * size), 1);
      assert.ok(Math.abs(alone.logits[0] - logit) <= 1e-6, `${alone.logits[0]}, not ${logit}`);
    }
    await inference.dispose();
  });
});
