import { openSync, readSync } from 'node:fs';
import workerpool from 'workerpool';
import type { FeatureConfig } from '../features/featureConfig.ts';
import { LogSpectrogram } from '../features/logSpectrogram.ts';
import { seededRandom } from '../random.ts';
import { type Augmentation, augmentedFeatures } from './augmentation.ts';

/** One clip of a batch: where its samples lie in the store, and its random stream. */
export interface AugmentedClip {
  start: number;
  length: number;
  /** Seed, epoch and index: the same ones give the same view. */
  stream: [number, number, number];
}

const files = new Map<string, number>();
let spectrogram: Promise<LogSpectrogram> | undefined;

/** Features of a batch, one augmented view per clip. A worker serves one feature configuration. */
async function augment(
  storePath: string,
  clips: AugmentedClip[],
  config: FeatureConfig,
  augmentation: Augmentation,
): Promise<unknown> {
  spectrogram ??= LogSpectrogram.create(config);
  const current = await spectrogram;
  let file = files.get(storePath);
  if (file === undefined) {
    file = openSync(storePath, 'r');
    files.set(storePath, file);
  }
  const views: Float32Array[] = [];
  for (const { start, length, stream } of clips) {
    const bytes = Buffer.alloc(length);
    readSync(file, bytes, 0, length, start);
    const samples = new Float32Array(bytes.buffer, bytes.byteOffset, length / 4);
    const [seed, ...streams] = stream;
    views.push(augmentedFeatures(samples, augmentation, current, seededRandom(seed, ...streams)));
  }
  const batch = new Float32Array(views.length * views[0].length);
  views.forEach((view, i) => {
    batch.set(view, i * view.length);
  });
  return new workerpool.Transfer(batch, [batch.buffer]);
}

export interface AugmentationMethods {
  augment: typeof augment;
}

workerpool.worker({ augment } satisfies AugmentationMethods);
