import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadAudio } from '../../daemon/audio/loadAudio.ts';
import { LogSpectrogram } from '../../daemon/features/logSpectrogram.ts';
import { extractWindow } from '../../daemon/features/windows.ts';
import { readModel, writeModel } from '../../daemon/model/checkpoint.ts';
import { OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import { CORPUS, REFERENCE_CHECKPOINT, temporaryFolder } from '../helpers.ts';

const CLIPS = 24;
const scoresFile = join(CORPUS, 'reference_scores.csv');
const missing = [REFERENCE_CHECKPOINT, scoresFile].find((path) => !existsSync(path));

const skip = missing && `${missing} is not there`;

describe("the reference's own checkpoint", () => {
  it('gives the same scores after import as in PyTorch', { skip }, async (context) => {
    const original = await readModel(REFERENCE_CHECKPOINT);
    const { checkpoint } = await writeModel(temporaryFolder(), original.state, original.config, 0);
    const { state, config } = await readModel(checkpoint);
    assert.deepEqual(state, original.state);

    const spectrogram = await LogSpectrogram.create(config.features);
    const shape = { architecture: config.architecture, bands: 64, frames: 251 };
    const inference = await new OnnxRuntimeEngine().createInference(shape, state);
    const rows = (await readFile(scoresFile, 'utf8')).trim().split('\n').slice(1);
    // The clips that the reference is least sure of tell most, and some others.
    const clips = rows
      .map((row) => row.split(','))
      .map(([path, probability, logit]) => ({ path, probability: Number(probability), logit: Number(logit) }))
      .sort((a, b) => Math.abs(a.logit) - Math.abs(b.logit));
    const chosen = [
      ...clips.slice(0, CLIPS / 2),
      ...clips.filter((_, i) => i % Math.floor(clips.length / (CLIPS / 2)) === 7),
    ];
    assert.ok(chosen.length >= CLIPS);

    let worst = 0;
    for (const { path, probability, logit } of chosen) {
      const { samples } = await loadAudio(join(CORPUS, path), { sampleRate: 16_000, maxSeconds: 4 });
      const features = spectrogram.features(extractWindow(samples, 0, config.features));
      const { logits } = await inference.score(features, 1);
      const error = Math.abs(1 / (1 + Math.exp(-logits[0])) - probability);
      assert.ok(error <= 1e-4, `${path}: off by ${error}`);
      assert.ok(
        Math.abs(logits[0] - logit) <= 1e-3 * Math.max(1, Math.abs(logit)),
        `${path}: ${logits[0]}, not ${logit}`,
      );
      worst = Math.max(worst, error);
    }
    await inference.dispose();
    context.diagnostic(`largest difference of ${chosen.length} probabilities: ${worst.toExponential(1)}`);
  });
});
