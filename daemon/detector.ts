import type { ModelInfo } from '../shared/protocol.ts';
import { AnalysisPool, type FileLimits } from './features/analysisPool.ts';
import { Classifier } from './inference/classifier.ts';
import { readModel } from './model/checkpoint.ts';
import type { Engine } from './model/engine.ts';
import { type EngineOptions, openEngine } from './model/engines.ts';
import { ThreadedEngine } from './model/threadedEngine.ts';
import { shippedCheckpoint, shippedConfig } from './paths.ts';

export interface DetectorOptions extends EngineOptions {
  /** Absent: the shipped model. */
  checkpoint?: string;
  /** Absent: `model_config.json` beside the checkpoint. */
  config?: string;
  /** The user's ffmpeg; absent: the one on PATH. */
  ffmpegPath?: string;
  /** Analysis threads; default: one per core. */
  workers?: number;
  /** What one file may take before it is given up. */
  limits?: Partial<FileLimits>;
}

/** The services that command line and daemon share: worker pool, engine and the loaded model. */
export class Detector {
  /** How many pieces of work use each classifier. */
  private readonly users = new Map<Classifier, number>();

  private constructor(
    readonly pool: AnalysisPool,
    private readonly engine: Engine,
    private loaded: Classifier,
  ) {}

  /** Throws the errors of `readModel` and `openEngine`; `warn` is told what the user should know. */
  static async open(options: DetectorOptions, warn: (message: string) => void): Promise<Detector> {
    const model = await readModelOrShipped(options);
    const pool = new AnalysisPool(options);
    try {
      // While the engine loads, a thread starts for the first file; the others start when they are needed.
      pool.warmUp(model.config.features);
      const opened = await openEngine(options, warn);
      // Native code on the CPU blocks the thread that calls it.
      const blocks = opened.facts.name === 'onnxruntime' && opened.facts.device === 'cpu';
      const engine = blocks ? new ThreadedEngine(opened) : opened;
      return new Detector(pool, engine, await Classifier.create(model, engine, pool));
    } catch (error) {
      await pool.dispose();
      throw error;
    }
  }

  get classifier(): Classifier {
    return this.loaded;
  }

  get modelInfo(): ModelInfo {
    return { ...this.loaded.model.facts, engine: this.engine.facts };
  }

  /** Runs work on the model that is loaded now, which stays until the work has ended even if another is loaded meanwhile. */
  async use<T>(work: (classifier: Classifier) => Promise<T>): Promise<T> {
    const classifier = this.loaded;
    this.users.set(classifier, (this.users.get(classifier) ?? 0) + 1);
    try {
      return await work(classifier);
    } finally {
      this.users.set(classifier, (this.users.get(classifier) as number) - 1);
      await this.disposeUnlessNeeded(classifier);
    }
  }

  /** Another classifier on the same pool, which the caller disposes of. */
  async openClassifier(checkpoint?: string, config?: string): Promise<Classifier> {
    return Classifier.create(await readModelOrShipped({ checkpoint, config }), this.engine, this.pool);
  }

  /** Replaces the loaded model, by the shipped one where none is named; on an error the one in use stays. Calls under way finish on the old one. */
  async loadModel(checkpoint?: string, config?: string): Promise<ModelInfo> {
    const old = this.loaded;
    this.loaded = await this.openClassifier(checkpoint, config);
    await this.disposeUnlessNeeded(old);
    return this.modelInfo;
  }

  private async disposeUnlessNeeded(classifier: Classifier): Promise<void> {
    if (classifier === this.loaded || (this.users.get(classifier) ?? 0) > 0) return;
    this.users.delete(classifier);
    await classifier.dispose();
  }

  async dispose(): Promise<void> {
    await this.pool.dispose();
    await this.loaded.dispose();
  }
}

function readModelOrShipped({ checkpoint, config }: DetectorOptions) {
  if (checkpoint === undefined) return readModel(shippedCheckpoint, config ?? shippedConfig);
  return readModel(checkpoint, config);
}
