import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { AnalysisPool } from '../../daemon/features/analysisPool.ts';
import { frameCount } from '../../daemon/features/featureConfig.ts';
import { LogSpectrogram } from '../../daemon/features/logSpectrogram.ts';
import { extractWindow } from '../../daemon/features/windows.ts';
import { Classifier } from '../../daemon/inference/classifier.ts';
import { LINEAR_BIAS } from '../../daemon/model/audioCnn.ts';
import { type Model, readModel } from '../../daemon/model/checkpoint.ts';
import type { ModelConfig } from '../../daemon/model/modelConfig.ts';
import { OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import { ErrorCode } from '../../shared/errors.ts';
import type { ByteMatrix } from '../../shared/verdict.ts';
import {
  isDeepfakeError,
  modelConfig,
  temporaryFolder,
  testSound,
  writeSound,
  writeTestSound,
  writeUntrainedModel,
} from '../helpers.ts';

const folder = temporaryFolder();
const engine = new OnnxRuntimeEngine();
const pool = new AnalysisPool({ workers: 2 });
const classifiers: Classifier[] = [];
let models = 0;

async function classifierWith(changes: Partial<ModelConfig> = {}): Promise<Classifier> {
  const { checkpoint } = await writeUntrainedModel(join(folder, `model${models++}`), changes);
  const classifier = await Classifier.create(await readModel(checkpoint), engine, pool);
  classifiers.push(classifier);
  return classifier;
}

const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));
const near = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, not ${expected}`);

describe('classification', () => {
  let classifier: Classifier;
  let short = '';
  let long = '';
  before(async () => {
    classifier = await classifierWith();
    short = await writeTestSound(join(folder, 'short.wav'), 'tone', 1.5, 1);
    long = await writeTestSound(join(folder, 'long.wav'), 'noise', 11, 2);
  });
  after(async () => {
    await pool.dispose();
    for (const each of classifiers) await each.dispose();
  });

  it('gives the label, confidence and facts of a file', async () => {
    const verdict = await classifier.classify(short);
    const { label, confidence, deepfakeProbability, windows, audio, model } = verdict;
    assert.equal(label, deepfakeProbability >= 0.5 ? 'Deepfake' : 'Genuine');
    assert.equal(confidence, label === 'Deepfake' ? deepfakeProbability : 1 - deepfakeProbability);
    assert.equal(windows.length, 1);
    near(windows[0].end, 1.5, 1e-9);
    near(deepfakeProbability, sigmoid(windows[0].logit), 1e-12);
    assert.deepEqual(
      [audio.container, audio.duration, audio.sampleRate, audio.channels],
      ['wav', 1.5, 16_000, 1],
    );
    assert.equal(model, classifier.model.facts);
    assert.equal(verdict.spectrogram ?? verdict.evidence, undefined);
  });

  it('covers a long file with windows that overlap by half, and takes their mean logit', async () => {
    const { windows, deepfakeProbability } = await classifier.classify(long);
    assert.deepEqual(
      windows.map(({ start, end }) => [start, end]),
      [
        [0, 4],
        [2, 6],
        [4, 8],
        [6, 10],
        [7, 11],
      ],
    );
    const mean = windows.reduce((sum, { logit }) => sum + logit, 0) / windows.length;
    near(deepfakeProbability, sigmoid(mean), 1e-12);
  });

  it('looks at the first window only where that is asked for, or where the model is like the reference', async () => {
    const all = await classifier.classify(long);
    const asked = await classifier.classify(long, { firstWindow: true });
    const reference = await classifierWith({ windows: { use: 'first', overlap: 0 } });
    const byModel = await reference.classify(long);
    const drawn = await reference.classify(long, { withImages: true });
    for (const { windows, deepfakeProbability } of [asked, byModel, drawn]) {
      assert.equal(windows.length, 1);
      near(windows[0].logit, all.windows[0].logit, 1e-6);
      assert.equal(deepfakeProbability, sigmoid(windows[0].logit));
    }
  });

  it('gives the same answer every time, to the last bit', async () => {
    const first = await classifier.classify(long);
    const again = await Promise.all([1, 2, 3].map(() => classifier.classify(long)));
    for (const verdict of again) assert.deepEqual(verdict, first);
  });

  it('gives a file the same answer alone and in company', async () => {
    const alone = await classifier.classify(long);
    const files = [short, long, short, short, long, short, short, short];
    const company = await Promise.all(files.map((file) => classifier.classify(file)));
    for (const verdict of [company[1], company[4]]) {
      near(verdict.deepfakeProbability, alone.deepfakeProbability, 1e-6);
      verdict.windows.forEach(({ logit }, i) => {
        near(logit, alone.windows[i].logit, 1e-6);
      });
    }
  });

  it('scores a window alike alone and among others', async () => {
    const { windows } = await classifier.classify(long);
    const { model } = classifier;
    const inference = await engineFor(model);
    const spectrogram = await LogSpectrogram.create(model.config.features);
    const samples = await pool.samples(long, model.config.features);
    for (const { start, logit } of windows) {
      const features = spectrogram.features(extractWindow(samples, 16_000 * start, model.config.features));
      near((await inference.score(features, 1)).logits[0], logit, 1e-6);
    }
    await inference.dispose();
  });

  it('leaves silence out of a file, and says so where there is nothing else', async () => {
    const sound = new Float32Array(16 * 16_000);
    sound.set(testSound('tone', 4, 3), 12 * 16_000);
    const partly = await classifier.classify(await writeSound(join(folder, 'late.wav'), sound));
    assert.deepEqual(
      partly.windows.map(({ start }) => start),
      [10, 12],
    );
    assert.equal(partly.decision, partly.label);
    const silent = await classifier.classify(
      await writeSound(join(folder, 'silent.wav'), new Float32Array(32_000)),
    );
    assert.equal(silent.decision, 'Inconclusive');
    assert.deepEqual(silent.reasons, ['The file is silent.']);
    assert.equal(silent.windows.length, 1);
    assert.ok(Number.isFinite(silent.deepfakeProbability));
  });

  it('does not decide about sound that is not speech, or that its features are far from', async () => {
    const inconclusive = { low: 0.5, high: 0.5 };
    const banded = await classifierWith({ inconclusive });
    const { decision, reasons, label, deepfakeProbability } = await banded.classify(long);
    assert.equal(decision, 'Inconclusive');
    assert.match(reasons.join(), /^This does not sound like speech: [^.]*noise throughout[^.]*\.$/);
    assert.equal(label, deepfakeProbability >= 0.5 ? 'Deepfake' : 'Genuine');
    const far = await classifierWith({
      inconclusive,
      featureStatistics: { mean: new Array(64).fill(9), deviation: new Array(64).fill(0.1), limit: 2 },
    });
    assert.match(
      (await far.classify(long)).reasons.join(),
      /trained on nothing like this sound \(distance \d/,
    );
  });

  it('applies the calibration to file and windows', async () => {
    const plain = await classifier.classify(long);
    const calibrated = await classifierWith({ calibration: { scale: 0.5, offset: 1 } });
    const { deepfakeProbability, windows } = await calibrated.classify(long);
    const mean = plain.windows.reduce((sum, { logit }) => sum + logit, 0) / plain.windows.length;
    near(deepfakeProbability, sigmoid(0.5 * mean + 1), 1e-12);
    windows.forEach((window, i) => {
      assert.equal(window.logit, plain.windows[i].logit);
      near(window.deepfakeProbability, sigmoid(0.5 * window.logit + 1), 1e-12);
    });
  });

  it('draws a spectrogram and evidence that adds up to the logit', async () => {
    const { features } = modelConfig();
    for (const [path, duration] of [
      [short, 1.5],
      [long, 11],
    ] as const) {
      const { spectrogram, evidence, windows } = await classifier.classify(path, { withImages: true });
      assert.ok(spectrogram && evidence);
      assert.deepEqual(
        [spectrogram.rows, spectrogram.columns],
        [64, frameCount(features, duration * 16_000)],
      );
      assert.equal(spectrogram.frequencies.length, 64);
      assert.equal(Buffer.from(spectrogram.data, 'base64').length, spectrogram.rows * spectrogram.columns);
      assert.equal(evidence.rows, 16);
      near(evidence.duration, duration, 4 * spectrogram.secondsPerColumn);
      assert.equal(evidence.outside === 0, duration > 4);
      const bias = classifier.model.state.get(LINEAR_BIAS)?.data[0] as number;
      const mean = windows.reduce((sum, { logit }) => sum + logit, 0) / windows.length;
      // Each byte is rounded by up to half a step.
      const step = (evidence.maximum - evidence.minimum) / 255;
      near(
        sumOf(evidence) + evidence.outside,
        mean - bias,
        0.5 * step * Math.sqrt(evidence.rows * evidence.columns) * 3,
      );
    }
  });

  it('names the file that it could not read', async () => {
    const path = join(folder, 'missing.wav');
    await assert.rejects(classifier.classify(path), isDeepfakeError(ErrorCode.FileNotFound, path));
  });

  it('stops when it is cancelled', async () => {
    const abort = new AbortController();
    const pending = classifier.classify(long, { signal: abort.signal });
    abort.abort();
    await assert.rejects(pending, isDeepfakeError(ErrorCode.Cancelled, long));
    await assert.rejects(
      classifier.classify(long, { signal: abort.signal }),
      isDeepfakeError(ErrorCode.Cancelled, long),
    );
    assert.equal((await classifier.classify(short)).windows.length, 1);
  });
});

const engineFor = ({ config, state }: Model) =>
  engine.createInference(
    { architecture: config.architecture, bands: config.features.nMels, frames: frameCount(config.features) },
    state,
  );

const sumOf = ({ data, minimum, maximum }: ByteMatrix): number =>
  Buffer.from(data, 'base64').reduce((sum, byte) => sum + minimum + (byte / 255) * (maximum - minimum), 0);
