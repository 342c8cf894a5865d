import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { AnalysisPool } from '../../daemon/features/analysisPool.ts';
import { frameCount } from '../../daemon/features/featureConfig.ts';
import { Classifier } from '../../daemon/inference/classifier.ts';
import { type Model, readModel } from '../../daemon/model/checkpoint.ts';
import type { Engine } from '../../daemon/model/engine.ts';
import { OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import { OnnxWebEngine } from '../../daemon/model/onnxWebEngine.ts';
import { ClassifyRequest } from '../../shared/protocol.ts';
import { runCli, succeed } from '../cli/runCli.ts';
import { GoldenRandom } from '../golden/goldenRandom.ts';
import { subfolder, temporaryFolder, writeTestSound, writeUntrainedModel } from '../helpers.ts';
import { DaemonProcess } from '../server/daemonProcess.ts';

/** How far probabilities of one file may lie apart on one machine, and those of two engines. */
const ON_ONE_MACHINE = 1e-6;
const BETWEEN_ENGINES = 1e-4;

const folder = temporaryFolder();
const clips = subfolder(folder, 'clips');
const files: string[] = [];
let checkpoint = '';
let model: Model;
let expected: number[];

function assertNear(actual: number[], tolerance = ON_ONE_MACHINE): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]) <= tolerance, `${files[i]}: ${value}, not ${expected[i]}`);
  });
}

/** Probabilities by `workers` analysis threads, all files at once or one after the other. */
async function probabilities(engine: Engine, workers: number, together: boolean): Promise<number[]> {
  const pool = new AnalysisPool({ workers });
  const classifier = await Classifier.create(model, engine, pool);
  const one = async (file: string) => (await classifier.classify(file)).deepfakeProbability;
  try {
    if (together) return await Promise.all(files.map(one));
    const found: number[] = [];
    for (const file of files) found.push(await one(file));
    return found;
  } finally {
    await classifier.dispose();
    await pool.dispose();
  }
}

before(async () => {
  ({ checkpoint } = await writeUntrainedModel(join(folder, 'model')));
  model = await readModel(checkpoint);
  // One window, some, and more than one call of the network takes.
  for (const [i, seconds] of [1.5, 5, 20].entries())
    files.push(await writeTestSound(join(clips, `clip${i}.wav`), i === 1 ? 'tone' : 'noise', seconds, i));
  expected = await probabilities(new OnnxRuntimeEngine({ threads: 1 }), 1, false);
  assert.equal(new Set(expected).size, files.length, 'the files must differ');
});

describe('a file has the same probability', () => {
  for (const [threads, workers] of [
    [1, 2],
    [2, 1],
  ])
    it(`with ${threads} of the network's threads and ${workers} analysis threads, alone and in company`, async () => {
      for (const together of [false, true])
        assertNear(await probabilities(new OnnxRuntimeEngine({ threads }), workers, together));
    });

  it('in every command', async () => {
    const predicted: number[] = [];
    for (const file of files)
      predicted.push(
        JSON.parse(await succeed(['predict', file, '--model', checkpoint])).deepfake_probability,
      );
    assertNear(predicted);
    const { stdout } = await runCli(['scan', clips, '--model', checkpoint, '--no-store', '--ordered']);
    const rows = stdout.trimEnd().split('\n');
    assertNear(rows.map((row) => JSON.parse(row).deepfake_probability));
  });

  for (const workers of [1, 2])
    it(`over JSON-RPC with ${workers} analysis threads, in one request and in several at once`, async () => {
      const daemon = await DaemonProcess.start({ checkpoint, workers });
      const ask = async (asked: string[]) => {
        const { results } = await daemon.connection.sendRequest(ClassifyRequest.type, { files: asked });
        return results.map((result) =>
          'verdict' in result ? result.verdict.deepfakeProbability : Number.NaN,
        );
      };
      try {
        assertNear(await ask(files));
        assertNear((await Promise.all(files.map((file) => ask([file])))).flat());
      } finally {
        daemon.kill();
      }
    });

  it('on the WebAssembly build, but for rounding', async () => {
    assertNear(await probabilities(new OnnxWebEngine(), 2, true), BETWEEN_ENGINES);
  });
});

describe('a window has the same score', () => {
  const random = new GoldenRandom(9);

  for (const threads of [1, 2])
    it(`in calls of 1 to 9 windows with ${threads} of the network's threads`, async () => {
      const { features, architecture } = model.config;
      const shape = { architecture, bands: features.nMels, frames: frameCount(features) };
      const engine = new OnnxRuntimeEngine({ threads });
      const network = await engine.createInference(shape, model.state);
      after(() => network.dispose());
      const size = shape.bands * shape.frames;
      const windows = random.array(9 * size, 1);
      const alone: number[] = [];
      for (let i = 0; i < 9; i++)
        alone.push((await network.score(windows.slice(i * size, (i + 1) * size), 1)).logits[0]);
      for (let count = 2; count <= 9; count++) {
        const { logits } = await network.score(windows.slice(0, count * size), count);
        logits.forEach((logit, i) => {
          const apart = Math.abs(logit - alone[i]);
          assert.ok(apart <= ON_ONE_MACHINE, `window ${i} of ${count}: ${apart} apart`);
        });
      }
    });
});
