import { availableParallelism } from 'node:os';
import workerpool from 'workerpool';
import type { AnalysisPool } from '../features/analysisPool.ts';
import { type FeatureConfig, frameCount } from '../features/featureConfig.ts';
import type { WindowPolicy } from '../model/modelConfig.ts';
import { distFile } from '../paths.ts';
import type { Augmentation } from './augmentation.ts';
import type { AugmentedClip } from './augmentationWorker.ts';
import { ExampleStore } from './exampleStore.ts';

/** Longest part of a clip that training keeps: crops are taken from it. */
const MAX_TRAINING_SECONDS = 30;

/** A labelled clip of a training run. */
export interface LabelledClip {
  path: string;
  /** 0 Genuine, 1 Deepfake. */
  label: 0 | 1;
}

export interface PreparationOptions {
  pool: AnalysisPool;
  features: FeatureConfig;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** Training examples that can be asked for batch by batch. */
export interface TrainingExamples {
  readonly labels: ArrayLike<number>;
  /** Features of these clips as `epoch` sees them: indices.length × bands × frames. */
  batch(indices: number[], epoch: number): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Runs `work` over all clips with as many at once as the pool has workers, and stops at the first error. */
async function forEachClip(
  clips: LabelledClip[],
  { pool, onProgress }: PreparationOptions,
  work: (clip: LabelledClip, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let done = 0;
  const lane = async () => {
    while (next < clips.length) {
      const index = next++;
      await work(clips[index], index);
      onProgress?.(++done, clips.length);
    }
  };
  await Promise.all(Array.from({ length: 2 * pool.workers }, lane));
}

/** Every clip's features, computed once and kept on disk. Windows of one clip follow each other. */
export class StoredFeatures implements TrainingExamples {
  private constructor(
    readonly labels: ArrayLike<number>,
    /** Store entries of each clip's windows. */
    readonly windows: number[][],
    private readonly store: ExampleStore,
    private readonly size: number,
  ) {}

  /** Throws the DeepfakeErrors of `loadAudio`, WriteFailed or Cancelled. */
  static async prepare(
    clips: LabelledClip[],
    policy: WindowPolicy,
    options: PreparationOptions,
  ): Promise<StoredFeatures> {
    const { pool, features, signal } = options;
    const store = await ExampleStore.create();
    const size = features.nMels * frameCount(features);
    const windows: number[][] = clips.map(() => []);
    try {
      await forEachClip(clips, options, async ({ path }, clip) => {
        const request = { path, features, windows: policy, imageSeconds: 0 };
        await pool.analyze(
          request,
          (group) => {
            for (let i = 0; i < group.starts.length; i++) {
              windows[clip].push(store.append(group.features.subarray(i * size, (i + 1) * size)));
            }
          },
          signal,
        );
      });
    } catch (error) {
      store.dispose();
      throw error;
    }
    return new StoredFeatures(
      Float32Array.from(clips, ({ label }) => label),
      windows,
      store,
      size,
    );
  }

  /** The first window of each clip; the same in every epoch. */
  async batch(indices: number[]): Promise<Float32Array> {
    return this.read(indices.map((index) => this.windows[index][0]));
  }

  /** Features of store entries. */
  read(entries: number[]): Float32Array {
    const batch = new Float32Array(entries.length * this.size);
    entries.forEach((entry, i) => {
      this.store.read(entry, batch, i * this.size);
    });
    return batch;
  }

  async dispose(): Promise<void> {
    this.store.dispose();
  }
}

/** Every clip's samples on disk; worker threads make a fresh augmented view of them for each epoch. */
export class AugmentedExamples implements TrainingExamples {
  private readonly pool: workerpool.Pool;

  private constructor(
    readonly labels: ArrayLike<number>,
    private readonly store: ExampleStore,
    /** Store entry of each clip. */
    private readonly entries: number[],
    private readonly features: FeatureConfig,
    private readonly augmentation: Augmentation,
    private readonly seed: number,
  ) {
    this.pool = workerpool.pool(distFile('augmentationWorker.js'), {
      workerType: 'thread',
      maxWorkers: availableParallelism(),
    });
  }

  /** Throws the DeepfakeErrors of `loadAudio`, WriteFailed or Cancelled. */
  static async prepare(
    clips: LabelledClip[],
    augmentation: Augmentation,
    seed: number,
    options: PreparationOptions,
  ): Promise<AugmentedExamples> {
    const { pool, features, signal } = options;
    const store = await ExampleStore.create();
    const entries = new Array<number>(clips.length);
    try {
      await forEachClip(clips, options, async ({ path }, clip) => {
        entries[clip] = store.append(await pool.samples(path, features, MAX_TRAINING_SECONDS, signal));
      });
    } catch (error) {
      store.dispose();
      throw error;
    }
    const labels = Float32Array.from(clips, ({ label }) => label);
    return new AugmentedExamples(labels, store, entries, features, augmentation, seed);
  }

  async batch(indices: number[], epoch: number): Promise<Float32Array> {
    const clips = indices.map((index): AugmentedClip => {
      const { start, length } = this.store.extent(this.entries[index]);
      return { start, length, stream: [this.seed, epoch, index] };
    });
    return this.pool.exec('augment', [this.store.path, clips, this.features, this.augmentation]);
  }

  async dispose(): Promise<void> {
    await this.pool.terminate(true);
    this.store.dispose();
  }
}
