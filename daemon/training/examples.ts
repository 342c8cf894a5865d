import { availableParallelism } from 'node:os';
import workerpool from 'workerpool';
import type { AnalysisPool } from '../features/analysisPool.ts';
import { type FeatureConfig, frameCount } from '../features/featureConfig.ts';
import type { WindowPolicy } from '../model/modelConfig.ts';
import { distFile } from '../paths.ts';
import { type Augmentation, type Spectrum, viewFrames } from './augmentation.ts';
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
  /** Columns of each example's features; absent: those of a whole window. */
  readonly frames?: number;
  /** Features of these clips as `epoch` sees them: indices.length × bands × frames. */
  batch(indices: number[], epoch: number): Promise<Float32Array>;
  dispose(): Promise<void>;
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
      await pool.forEach(
        clips,
        async ({ path }, clip) => {
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
        },
        options.onProgress,
      );
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

  /** Some of the clips, from the same store, which this one goes on owning. */
  subset(clips: number[]): StoredFeatures {
    return new StoredFeatures(
      Float32Array.from(clips, (clip) => this.labels[clip]),
      clips.map((clip) => this.windows[clip]),
      this.store,
      this.size,
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

/** Every clip's band powers on disk; worker threads make a fresh augmented view of them for each epoch. */
export class AugmentedExamples implements TrainingExamples {
  readonly frames: number;

  private constructor(
    readonly labels: ArrayLike<number>,
    private readonly pool: workerpool.Pool,
    private readonly store: ExampleStore,
    /** Store entry of each clip, and whether its columns repeat. */
    private readonly spectra: { entry: number; periodic: boolean }[],
    private readonly features: FeatureConfig,
    private readonly augmentation: Augmentation,
    private readonly seed: number,
  ) {
    this.frames = viewFrames(augmentation, features);
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
    const augmenters = workerpool.pool(distFile('augmentationWorker.js'), {
      workerType: 'thread',
      maxWorkers: availableParallelism(),
    });
    const spectra = new Array<{ entry: number; periodic: boolean }>(clips.length);
    try {
      await pool.forEach(
        clips,
        async ({ path }, clip) => {
          const samples = await pool.samples(path, features, MAX_TRAINING_SECONDS, signal);
          const { powers, periodic }: Spectrum = await augmenters.exec('spectrum', [samples, features]);
          spectra[clip] = { entry: store.append(powers), periodic };
        },
        options.onProgress,
      );
    } catch (error) {
      await augmenters.terminate(true);
      store.dispose();
      throw error;
    }
    const labels = Float32Array.from(clips, ({ label }) => label);
    return new AugmentedExamples(labels, augmenters, store, spectra, features, augmentation, seed);
  }

  async batch(indices: number[], epoch: number): Promise<Float32Array> {
    const clips = indices.map((index): AugmentedClip => {
      const { entry, periodic } = this.spectra[index];
      return { ...this.store.extent(entry), periodic, stream: [this.seed, epoch, index] };
    });
    return this.pool.exec('augment', [this.store.path, clips, this.features, this.augmentation]);
  }

  async dispose(): Promise<void> {
    await this.pool.terminate(true);
    this.store.dispose();
  }
}
