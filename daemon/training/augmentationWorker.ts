import { openSync, readSync } from 'node:fs';
import workerpool from 'workerpool';
import type { FeatureConfig } from '../features/featureConfig.ts';
import { LogSpectrogram } from '../features/logSpectrogram.ts';
import { seededRandom } from '../random.ts';
import { type Augmentation, augmentedFeatures, clipSpectrum, type Spectrum } from './augmentation.ts';

/** One clip of a batch: where its spectrum lies in the store, and its random stream. */
export interface AugmentedClip {
  start: number;
  length: number;
  periodic: boolean;
  /** Seed, epoch and index: the same ones give the same view. */
  stream: [number, number, number];
}

const files = new Map<string, number>();
let spectrogram: Promise<LogSpectrogram> | undefined;

/** The spectrum that a clip's views are taken from. A worker serves one feature configuration. */
async function spectrum(samples: Float32Array, config: FeatureConfig): Promise<Spectrum> {
  spectrogram ??= LogSpectrogram.create(config);
  return clipSpectrum(samples, await spectrogram);
}

/** Features of a batch, one augmented view per clip. */
async function augment(
  storePath: string,
  clips: AugmentedClip[],
  config: FeatureConfig,
  augmentation: Augmentation,
): Promise<unknown> {
  spectrogram ??= LogSpectrogram.create(config);
  const { frequencies } = await spectrogram;
  let file = files.get(storePath);
  if (file === undefined) {
    file = openSync(storePath, 'r');
    files.set(storePath, file);
  }
  const views: Float32Array[] = [];
  for (const { start, length, periodic, stream } of clips) {
    const bytes = Buffer.alloc(length);
    readSync(file, bytes, 0, length, start);
    const powers = new Float32Array(bytes.buffer, bytes.byteOffset, length / 4);
    const [seed, ...streams] = stream;
    const random = seededRandom(seed, ...streams);
    views.push(augmentedFeatures({ powers, periodic }, augmentation, config, frequencies, random));
  }
  const batch = new Float32Array(views.length * views[0].length);
  views.forEach((view, i) => {
    batch.set(view, i * view.length);
  });
  return new workerpool.Transfer(batch, [batch.buffer]);
}

export interface AugmentationMethods {
  spectrum: typeof spectrum;
  augment: typeof augment;
}

workerpool.worker({ spectrum, augment } satisfies AugmentationMethods);
