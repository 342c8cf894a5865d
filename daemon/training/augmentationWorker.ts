import workerpool from 'workerpool';
import type { Spectrum } from '../features/clipSpectrum.ts';
import type { FeatureConfig } from '../features/featureConfig.ts';
import { createFilterbank } from '../features/filterbank.ts';
import { seededRandom } from '../random.ts';
import { type Augmentation, augmentedFeatures } from './augmentation.ts';

/** One clip of a batch: its spectrum and its random stream. */
export interface AugmentedClip extends Spectrum {
  /** Seed, epoch and index: the same ones give the same view. */
  stream: [number, number, number];
}

let frequencies: Float64Array | undefined;

/** Features of a batch, one augmented view per clip. A worker serves one feature configuration. */
function augment(clips: AugmentedClip[], config: FeatureConfig, augmentation: Augmentation): unknown {
  frequencies ??= createFilterbank(config).centres;
  const centres = frequencies;
  const views = clips.map(({ stream: [seed, ...streams], ...spectrum }) =>
    augmentedFeatures(spectrum, augmentation, config, centres, seededRandom(seed, ...streams)),
  );
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
