import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after } from 'node:test';
import { type FeatureConfig, referenceFeatures } from '../daemon/features/featureConfig.ts';
import { initialState, referenceArchitecture } from '../daemon/model/audioCnn.ts';
import { type WrittenModel, writeModel } from '../daemon/model/checkpoint.ts';
import type { ModelConfig } from '../daemon/model/modelConfig.ts';
import { packageRoot } from '../daemon/paths.ts';
import { seededRandom } from '../daemon/random.ts';
import { encodeWav } from '../scripts/encodeWav.ts';
import { DeepfakeError, ErrorCode } from '../shared/errors.ts';
import { GoldenRandom } from './golden/goldenRandom.ts';

/** Data that lies beside the checkout on the developers' machines; tests that need it are skipped elsewhere. */
export const CORPUS = resolve(packageRoot, '../shared/corpus');
export const REFERENCE_CHECKPOINT = resolve(packageRoot, '../shared/reference/deepfake_cnn.pth');

/** A folder that is gone after the tests of the file that asks for it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'deepfake-audio-test-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Checks that an error is expected, of this code, about this file, and one sentence that names it. */
export function isDeepfakeError(code: ErrorCode, file: string, message = /./): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof DeepfakeError, `not an expected error: ${error}`);
    assert.equal(ErrorCode[error.code], ErrorCode[code], error.message);
    assert.equal(error.file, file);
    assert.ok(error.message.includes(file), `${error.message} does not name ${file}`);
    assert.match(error.message, /^[^\n]+\.$/);
    assert.match(error.message, message);
    return true;
  };
}

/** Features unlike the reference's: linear bands over the whole width, normalised one by one, short clips repeated. */
export const linearFeatures: FeatureConfig = {
  ...referenceFeatures,
  fmin: 0,
  fmax: 8000,
  scale: 'linear',
  normalization: 'band',
  padding: 'tile',
};

/** The reference's configuration, with changes. */
export const modelConfig = (changes: Partial<ModelConfig> = {}): ModelConfig => ({
  name: 'Test model',
  features: referenceFeatures,
  architecture: referenceArchitecture,
  threshold: 0.5,
  calibration: { scale: 1, offset: 0 },
  inconclusive: null,
  windows: { use: 'all', overlap: 0.5 },
  ...changes,
});

/** Writes an untrained model into a folder, which need not exist. */
export function writeUntrainedModel(
  folder: string,
  changes: Partial<ModelConfig> = {},
  seed = 1,
): Promise<WrittenModel> {
  const config = modelConfig(changes);
  return writeModel(folder, initialState(config.architecture, seededRandom(seed)), config, 0);
}

/** Seconds of noise, or of a tone in a little noise, at 16 kHz. */
export function testSound(kind: 'noise' | 'tone', seconds: number, seed: number): Float32Array {
  const random = new GoldenRandom(seed);
  const hertz = 300 + 400 * Math.abs(random.uniform());
  return Float32Array.from({ length: Math.round(seconds * 16_000) }, (_, n) => {
    const noise = random.uniform();
    return kind === 'noise'
      ? 0.3 * noise
      : 0.3 * Math.sin((2 * Math.PI * hertz * n) / 16_000) + 0.003 * noise;
  });
}

/** Writes sound as a 16-bit WAV and returns its path. */
export async function writeSound(path: string, samples: Float32Array): Promise<string> {
  await writeFile(path, encodeWav(samples, 16_000));
  return path;
}

/** Writes test sound as a WAV and returns its path. */
export const writeTestSound = (path: string, ...sound: Parameters<typeof testSound>): Promise<string> =>
  writeSound(path, testSound(...sound));

/** A labelled folder that is easy to learn: noise is Genuine, tones are Deepfake. */
export async function writeDataset(root: string, perClass: number, seconds = 1): Promise<string> {
  for (const [label, kind] of [
    ['genuine', 'noise'],
    ['deepfake', 'tone'],
  ] as const) {
    await mkdir(join(root, label), { recursive: true });
    for (let i = 0; i < perClass; i++) {
      await writeTestSound(
        join(root, label, `clip${i}.wav`),
        kind,
        seconds,
        1000 * (kind === 'tone' ? 1 : 2) + i,
      );
    }
  }
  return root;
}

/** The keys that `metrics.json` begins with: those of the reference, in its order. */
export const REFERENCE_METRICS = [
  'accuracy',
  'eer',
  'f1',
  'per_class_accuracy',
  'confusion_matrix',
  'threshold',
];

/** A new folder inside another. */
export function subfolder(parent: string, name: string): string {
  const folder = join(parent, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}
