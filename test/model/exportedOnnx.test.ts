import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Detector } from '../../daemon/detector.ts';
import { exportOnnx } from '../../daemon/model/exportOnnx.ts';
import { packageRoot, shippedConfig } from '../../daemon/paths.ts';
import { subfolder, temporaryFolder, writeTestSound, writeUntrainedModel } from '../helpers.ts';

const python = process.env.PYTHON ?? 'python3';
const canRun = spawnSync(python, ['-c', 'import numpy, onnxruntime'], { stdio: 'ignore' }).status === 0;
const skip = canRun ? false : `"${python}" has no numpy and onnxruntime: PYTHON may name another interpreter`;
const TOLERANCE = 1e-5;

describe('an exported model in Python', { skip }, () => {
  const folder = temporaryFolder();
  const detectors: Detector[] = [];
  const clips: string[] = [];
  before(async () => {
    const sounds = subfolder(folder, 'sounds');
    // Shorter than a window, about one, and several.
    for (const [i, seconds] of [0.7, 4, 4.1, 11.3].entries())
      for (const kind of ['noise', 'tone'] as const)
        clips.push(await writeTestSound(join(sounds, `${kind}${i}.wav`), kind, seconds, 10 + i));
  });
  after(async () => {
    for (const detector of detectors) await detector.dispose();
  });

  async function compare(checkpoint?: string, config = shippedConfig): Promise<void> {
    const detector = await Detector.open({ checkpoint, workers: 1 }, assert.fail);
    detectors.push(detector);
    const file = join(folder, `${detectors.length}.onnx`);
    await exportOnnx(detector.classifier.model, file);
    const script = join(packageRoot, 'scripts', 'onnx', 'predict.py');
    const output = execFileSync(python, [script, file, config, ...clips], { encoding: 'utf8' });
    const lines = output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(lines.length, clips.length);
    for (const { file: clip, deepfake_probability, windows } of lines) {
      const verdict = await detector.classifier.classify(clip);
      assert.equal(windows, verdict.windows.length, clip);
      const difference = Math.abs(deepfake_probability - verdict.deepfakeProbability);
      assert.ok(
        difference <= TOLERANCE,
        `${clip}: ${deepfake_probability}, here ${verdict.deepfakeProbability}`,
      );
    }
  }

  it('gives the probabilities of the shipped model', () => compare());

  it("gives those of a model with the reference's features", async () => {
    const { checkpoint, config } = await writeUntrainedModel(join(folder, 'untrained'));
    await compare(checkpoint, config);
  });
});
