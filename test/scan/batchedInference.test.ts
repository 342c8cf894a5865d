import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { frameCount } from '../../daemon/features/featureConfig.ts';
import { BatchedInference } from '../../daemon/inference/batchedInference.ts';
import { readModel } from '../../daemon/model/checkpoint.ts';
import type { InferenceEngine, Scores } from '../../daemon/model/engine.ts';
import { OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import { GoldenRandom } from '../golden/goldenRandom.ts';
import { temporaryFolder, writeUntrainedModel } from '../helpers.ts';

const folder = temporaryFolder();

/** Answers each window with its first value, and remembers the batches; fails on windows that begin with NaN. */
class Recorder implements InferenceEngine {
  readonly batches: number[] = [];
  disposed = false;

  async score(features: Float32Array, count: number): Promise<Scores> {
    this.batches.push(count);
    await new Promise((resolve) => setImmediate(resolve));
    const size = features.length / count;
    const logits = Float32Array.from({ length: count }, (_, i) => features[i * size]);
    if (logits.some(Number.isNaN)) throw new Error('not a number');
    return {
      logits,
      evidence: Float32Array.from([...logits].flatMap((logit) => [logit, logit])),
      evidenceRows: 1,
      evidenceColumns: 2,
      pooled: logits.slice(),
    };
  }

  async dispose(): Promise<void> {
    this.disposed = true;
  }
}

const windows = (...values: number[]): [Float32Array, number] => [
  Float32Array.from(values.flatMap((value) => [value, 0, 0])),
  values.length,
];

describe('batched inference', () => {
  it('puts windows of several files into one call and gives each file its own scores', async () => {
    const recorder = new Recorder();
    const batched = new BatchedInference(recorder);
    const scores = await Promise.all([
      batched.score(...windows(1)),
      batched.score(...windows(2, 3)),
      batched.score(...windows(4)),
    ]);
    assert.deepEqual(
      scores.map(({ logits }) => [...logits]),
      [[1], [2, 3], [4]],
    );
    assert.deepEqual(
      scores.map(({ evidence }) => [...evidence]),
      [
        [1, 1],
        [2, 2, 3, 3],
        [4, 4],
      ],
    );
    assert.deepEqual(recorder.batches, [4]);
  });

  it('keeps its calls small however many files wait, because the network keeps what the largest needed', async () => {
    const recorder = new Recorder();
    const batched = new BatchedInference(recorder);
    await Promise.all(Array.from({ length: 12 }, () => batched.score(...windows(1, 1, 1))));
    assert.deepEqual(recorder.batches, [6, 6, 6, 6, 6, 6]);
  });

  it('sends many windows of one file in several calls and gives them back in order', async () => {
    const recorder = new Recorder();
    const batched = new BatchedInference(recorder);
    const values = Array.from({ length: 20 }, (_, i) => i);
    const [scores, other] = await Promise.all([
      batched.score(...windows(...values)),
      batched.score(...windows(20, 21)),
    ]);
    assert.deepEqual([...scores.logits], values);
    assert.deepEqual([...scores.pooled], values);
    assert.equal(scores.evidence.length, 40);
    assert.deepEqual([...other.logits], [20, 21]);
    assert.deepEqual(recorder.batches, [8, 8, 6]);
  });

  it('tells every file of a failed call and goes on with the next', async () => {
    const batched = new BatchedInference(new Recorder());
    await assert.rejects(batched.score(...windows(Number.NaN)), /not a number/);
    assert.deepEqual([...(await batched.score(...windows(5))).logits], [5]);
  });

  it('finishes what is under way before it disposes of the network', async () => {
    const recorder = new Recorder();
    const batched = new BatchedInference(recorder);
    const scores = batched.score(...windows(6));
    await batched.dispose();
    assert.ok(recorder.disposed);
    assert.deepEqual([...(await scores).logits], [6]);
  });

  it('scores a window the same whatever shares its call', async () => {
    const { checkpoint } = await writeUntrainedModel(folder);
    const { config, state } = await readModel(checkpoint);
    const { features, architecture } = config;
    const shape = { architecture, bands: features.nMels, frames: frameCount(features) };
    const batched = new BatchedInference(await new OnnxRuntimeEngine().createInference(shape, state));
    const size = shape.bands * shape.frames;
    const random = new GoldenRandom(5);
    const clips = Array.from({ length: 12 }, () => random.array(size, 1));
    const alone: number[] = [];
    for (const clip of clips) alone.push((await batched.score(clip, 1)).logits[0]);
    const together = await Promise.all(clips.map((clip) => batched.score(clip, 1)));
    together.forEach(({ logits }, i) => {
      assert.ok(Math.abs(logits[0] - alone[i]) <= 1e-6, `${logits[0]}, alone ${alone[i]}`);
    });
    await batched.dispose();
  });
});
