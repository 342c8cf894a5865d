import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { loadAudio } from '../../daemon/audio/loadAudio.ts';
import { type FeatureConfig, frameCount, referenceFeatures } from '../../daemon/features/featureConfig.ts';
import { LogSpectrogram } from '../../daemon/features/logSpectrogram.ts';
import { extractWindow } from '../../daemon/features/windows.ts';
import { packageRoot } from '../../daemon/paths.ts';
import golden from '../golden/features.json' with { type: 'json' };
import { CORPUS, linearFeatures } from '../helpers.ts';
import { syntheticSignals } from './syntheticSignals.ts';

const TOLERANCE = 1e-3;
const SAMPLES = join(packageRoot, 'media/samples');
const { rows, columns, versions } = golden;
const entrySize = rows * columns.length;

describe(`log spectrograms against librosa ${versions.librosa} and numpy ${versions.numpy}`, () => {
  let stored: Float32Array;
  before(async () => {
    const bytes = await readFile(join(packageRoot, 'test/golden/features.f32'));
    stored = new Float32Array(Uint8Array.from(bytes).buffer);
    assert.equal(stored.length, golden.entries.length * entrySize);
  });

  /** Largest difference between our features and the golden values of one entry. */
  async function difference(index: number, samples: Float32Array, config: FeatureConfig): Promise<number> {
    const spectrogram = await LogSpectrogram.create(config);
    const features = spectrogram.features(extractWindow(samples, 0, config));
    const frames = frameCount(config);
    assert.equal(features.length, rows * frames);
    let largest = 0;
    for (let row = 0; row < rows; row++) {
      columns.forEach((column, i) => {
        const expected = stored[index * entrySize + row * columns.length + i];
        const error = Math.abs(features[row * frames + column] - expected);
        // A comparison with NaN is false: it must not pass for small.
        if (!(error <= largest)) largest = error;
      });
    }
    return largest;
  }

  /** Checks every entry of a group and says how near the furthest one came. */
  async function check(
    context: TestContext,
    group: string,
    config: FeatureConfig,
    load: (entry: (typeof golden.entries)[number]) => Promise<Float32Array>,
  ): Promise<number> {
    let largest = 0;
    let count = 0;
    for (const [index, entry] of golden.entries.entries()) {
      if (entry.group !== group) continue;
      const error = await difference(index, await load(entry), config);
      assert.ok(error <= TOLERANCE, `${entry.name} differs by ${error}`);
      largest = Math.max(largest, error);
      count++;
    }
    context.diagnostic(`largest difference over ${count} clips: ${largest.toExponential(1)}`);
    return count;
  }

  const fromFolder = (folder: string) => async (entry: (typeof golden.entries)[number]) => {
    const path = join(folder, entry.name);
    const digest = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    assert.equal(
      digest,
      entry.sha256,
      `${path} has changed since its golden values were made: run make_golden.py`,
    );
    return (await loadAudio(path, { sampleRate: referenceFeatures.sampleRate })).samples;
  };

  it('agree on twenty real clips, ten of each class', async (context) => {
    if (!existsSync(CORPUS)) return context.skip(`no corpus at ${CORPUS}`);
    assert.equal(await check(context, 'corpus', referenceFeatures, fromFolder(CORPUS)), 20);
  });

  it('agree on the lossless sample clips, resampling included', async (context) => {
    assert.ok((await check(context, 'samples', referenceFeatures, fromFolder(SAMPLES))) >= 3);
  });

  it('agree on tones, noise, an impulse, silence, and clips that are too short or too long', async (context) => {
    const count = await check(context, 'synthetic', referenceFeatures, async ({ name }) =>
      syntheticSignals[name](),
    );
    assert.equal(count, Object.keys(syntheticSignals).length);
  });

  it('agree with equal-width bands, each band centred, short clips repeated', async (context) => {
    const count = await check(context, 'linear', linearFeatures, async ({ name }) =>
      syntheticSignals[name](),
    );
    assert.equal(count, Object.keys(syntheticSignals).length);
  });
});

describe('log spectrograms', () => {
  it('have zero mean and unit standard deviation over the clip', async () => {
    const spectrogram = await LogSpectrogram.create(referenceFeatures);
    const features = spectrogram.features(syntheticSignals['white noise']());
    const mean = features.reduce((sum, value) => sum + value, 0) / features.length;
    const variance = features.reduce((sum, value) => sum + (value - mean) ** 2, 0) / features.length;
    assert.ok(Math.abs(mean) < 1e-5 && Math.abs(variance - 1) < 1e-4, `${mean} ${variance}`);
  });

  it('are the same for a clip and for a louder copy of it', async () => {
    const spectrogram = await LogSpectrogram.create(linearFeatures);
    const clip = syntheticSignals['white noise']();
    const features = spectrogram.features(clip);
    const louder = spectrogram.features(clip.map((sample) => 4 * sample));
    const largest = features.reduce((most, value, i) => Math.max(most, Math.abs(value - louder[i])), 0);
    assert.ok(largest < 1e-4, `${largest}`);
  });

  it('put a tone into the band of its frequency', async () => {
    for (const config of [referenceFeatures, linearFeatures]) {
      const spectrogram = await LogSpectrogram.create(config);
      const tone = Float32Array.from({ length: 16_000 }, (_, n) =>
        Math.sin((2 * Math.PI * 3000 * n) / 16_000),
      );
      const decibels = spectrogram.decibels(tone);
      const frames = frameCount(config, tone.length);
      const column = Array.from({ length: rows }, (_, row) => decibels[row * frames + 30]);
      const loudest = column.indexOf(Math.max(...column));
      const distances = spectrogram.frequencies.map((hertz) => Math.abs(hertz - 3000));
      assert.equal(loudest, distances.indexOf(Math.min(...distances)));
      assert.ok(Math.abs(Math.max(...decibels)) < 1e-5 && Math.min(...decibels) >= -80);
    }
  });

  it('refuse a window of the wrong length', async () => {
    const spectrogram = await LogSpectrogram.create(referenceFeatures);
    assert.throws(() => spectrogram.features(new Float32Array(63_999)), /Expected 64000 samples, got 63999/);
  });

  it('do not mix up two configurations that are in use at once', async () => {
    const clip = syntheticSignals['white noise']();
    const small = { ...referenceFeatures, nFft: 512, nMels: 32 };
    const alone = (await LogSpectrogram.create(small)).features(clip);
    const [first, second] = [
      await LogSpectrogram.create(small),
      await LogSpectrogram.create(referenceFeatures),
    ];
    second.features(clip);
    assert.deepEqual(first.features(clip), alone);
  });
});
