import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import workerpool from 'workerpool';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import type { WindowGroup } from '../features/analysis.ts';
import type { AnalysisPool } from '../features/analysisPool.ts';
import { type FeatureConfig, frameCount } from '../features/featureConfig.ts';
import type { WindowPolicy } from '../model/modelConfig.ts';
import { distFile } from '../paths.ts';
import { seededRandom } from '../random.ts';
import { type Augmentation, chooseVariant, viewFrames } from './augmentation.ts';
import type { AugmentedClip } from './augmentationWorker.ts';
import type { FeatureCache } from './featureCache.ts';
import { type Extent, FeatureStore, readValues, type StoredClip } from './featureStore.ts';

/** Longest part of a clip that training keeps: crops are taken from it. */
const MAX_TRAINING_SECONDS = 30;

/** Apart from the streams of a view, so that a recipe without codecs draws what it always drew. */
const CODEC_STREAM = 1;

/** A labelled clip of a training run. */
export interface LabelledClip {
  path: string;
  /** 0 Genuine, 1 Deepfake. */
  label: 0 | 1;
}

export interface PreparationOptions {
  pool: AnalysisPool;
  features: FeatureConfig;
  /** Where features are looked up and kept; absent: they are computed anew and gone with the process. */
  cache?: FeatureCache;
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

/** What a store makes of every clip; entries are in the order of the clips. Disposes of the store where that fails. */
async function storeClips(
  clips: LabelledClip[],
  profile: unknown,
  { pool, cache, signal, onProgress }: PreparationOptions,
  compute: (path: string, append: (values: Float32Array) => Extent) => Promise<StoredClip>,
): Promise<{ store: FeatureStore; stored: StoredClip[]; digest: string }> {
  const store = cache === undefined ? await FeatureStore.open() : await cache.store(profile);
  const stored = new Array<StoredClip>(clips.length);
  const storeClip = async ({ path }: LabelledClip, index: number) => {
    if (signal?.aborted)
      throw new DeepfakeError(ErrorCode.Cancelled, 'Preparing the clips was cancelled.', path);
    const hash = () => pool.contentHash(path, signal);
    stored[index] = await store.clip(path, hash, (append) => compute(path, append));
  };
  try {
    await pool.forEach(clips, storeClip, onProgress);
  } catch (error) {
    await store.dispose();
    throw error;
  }
  store.forgetFiles();
  const digest = createHash('sha256');
  for (const { parts } of stored) digest.update(`${parts.map(({ checksum }) => checksum).join()}\n`);
  return { store, stored, digest: digest.digest('hex') };
}

/** Every clip's features, computed once and kept on disk. */
export class StoredFeatures implements TrainingExamples {
  private constructor(
    readonly labels: ArrayLike<number>,
    /** Store entries of each clip's windows; those of one clip follow each other. */
    readonly windows: number[][],
    /** Of the features of all clips of the store: other sound, another digest. */
    readonly digest: string,
    private readonly entries: Extent[],
    private readonly store: FeatureStore,
    private readonly size: number,
  ) {}

  /** Throws the DeepfakeErrors of `loadAudio`, WriteFailed or Cancelled. */
  static async prepare(
    clips: LabelledClip[],
    { use, overlap }: WindowPolicy,
    options: PreparationOptions,
  ): Promise<StoredFeatures> {
    const { pool, features, signal } = options;
    const size = features.nMels * frameCount(features);
    const windows: WindowPolicy = use === 'first' ? { use, overlap: 0 } : { use, overlap };
    const compute = async (path: string, append: (values: Float32Array) => Extent) => {
      const parts: { level: number; extent: Extent }[] = [];
      const keep = ({ levels, features }: WindowGroup) => {
        levels.forEach((level, i) => {
          parts.push({ level, extent: append(features.subarray(i * size, (i + 1) * size)) });
        });
      };
      const request = { path, features, windows };
      const { silenceFloor } = await pool.analyze(request, keep, signal);
      const audible = parts.filter(({ level }) => level >= silenceFloor);
      return { parts: audible.map(({ extent }) => extent) };
    };
    const { store, stored, digest } = await storeClips(
      clips,
      ['windows', features, windows],
      options,
      compute,
    );
    let count = 0;
    return new StoredFeatures(
      Float32Array.from(clips, ({ label }) => label),
      stored.map(({ parts }) => parts.map(() => count++)),
      digest,
      stored.flatMap(({ parts }) => parts),
      store,
      size,
    );
  }

  /** Some of the clips, from the same store, which this one goes on owning. */
  subset(clips: number[]): StoredFeatures {
    return new StoredFeatures(
      Float32Array.from(clips, (clip) => this.labels[clip]),
      clips.map((clip) => this.windows[clip]),
      this.digest,
      this.entries,
      this.store,
      this.size,
    );
  }

  /** The first window of each clip; the same in every epoch. */
  batch(indices: number[]): Promise<Float32Array> {
    return this.read(indices.map((index) => this.windows[index][0]));
  }

  /** Features of store entries. Throws StoreUnusable where somebody else has changed what is stored. */
  async read(entries: number[]): Promise<Float32Array> {
    const batch = new Float32Array(entries.length * this.size);
    await Promise.all(
      entries.map((entry, i) =>
        readValues(this.entries[entry], batch.subarray(i * this.size, (i + 1) * this.size)),
      ),
    );
    return batch;
  }

  dispose(): Promise<void> {
    return this.store.dispose();
  }
}

/** Every clip's band powers on disk; worker threads make a fresh augmented view of them for each epoch. */
export class AugmentedExamples implements TrainingExamples {
  readonly frames: number;
  private readonly pool = workerpool.pool(distFile('augmentationWorker.js'), {
    workerType: 'thread',
    maxWorkers: availableParallelism(),
  });

  private constructor(
    readonly labels: ArrayLike<number>,
    /** Of the band powers of all clips: other sound, another digest. */
    readonly digest: string,
    private readonly store: FeatureStore,
    private readonly spectra: StoredClip[],
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
    const { codecs, variants } = augmentation.codec ?? { codecs: [], variants: 0 };
    const kept = { maxSeconds: MAX_TRAINING_SECONDS, codecs, variants };
    const profile = ['spectra', features, kept];
    const { store, stored, digest } = await storeClips(clips, profile, options, async (path, append) => {
      const spectra = await pool.spectra(path, features, kept, signal);
      return { parts: spectra.map(({ powers }) => append(powers)), periodic: spectra[0].periodic };
    });
    const labels = Float32Array.from(clips, ({ label }) => label);
    return new AugmentedExamples(labels, digest, store, stored, features, augmentation, seed);
  }

  /** Throws StoreUnusable where somebody else has changed what is stored. */
  async batch(indices: number[], epoch: number): Promise<Float32Array> {
    const clips = await Promise.all(
      indices.map(async (index): Promise<AugmentedClip> => {
        const { parts, periodic } = this.spectra[index];
        const stream: [number, number, number] = [this.seed, epoch, index];
        const part =
          parts[chooseVariant(parts.length, this.augmentation, seededRandom(...stream, CODEC_STREAM))];
        const powers = new Float32Array(part.length / Float32Array.BYTES_PER_ELEMENT);
        await readValues(part, powers);
        return { powers, periodic: periodic === true, stream };
      }),
    );
    const transfer = clips.map(({ powers }) => powers.buffer);
    return this.pool.exec('augment', [clips, this.features, this.augmentation], { transfer });
  }

  async dispose(): Promise<void> {
    await this.pool.terminate(true);
    await this.store.dispose();
  }
}
