import type { InferenceEngine, Scores } from '../model/engine.ts';

/** Spectrograms in one call of the network; more than this brings no speed and costs memory (128 kB each with the default features). */
const LARGEST_BATCH = 64;

interface Waiting {
  features: Float32Array;
  count: number;
  resolve(scores: Scores): void;
  reject(error: unknown): void;
}

/**
 * Scores windows of several files in one call: what arrives while the network is busy waits and goes together in the next
 * call. Nothing waits for company, so a single file is as fast as without. A window's score does not depend on its batch.
 */
export class BatchedInference implements InferenceEngine {
  private waiting: Waiting[] = [];
  private running: Promise<void> | undefined;

  constructor(private readonly inference: InferenceEngine) {}

  score(features: Float32Array, count: number): Promise<Scores> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ features, count, resolve, reject });
      this.running ??= this.run();
    });
  }

  /** Waits for the calls under way. */
  async dispose(): Promise<void> {
    await this.running;
    await this.inference.dispose();
  }

  private async run(): Promise<void> {
    // What this turn of the event loop still brings joins the first batch.
    await Promise.resolve();
    while (this.waiting.length > 0) await this.runBatch(this.takeBatch());
    this.running = undefined;
  }

  private takeBatch(): Waiting[] {
    let windows = this.waiting[0].count;
    let taken = 1;
    while (taken < this.waiting.length && windows + this.waiting[taken].count <= LARGEST_BATCH) {
      windows += this.waiting[taken++].count;
    }
    return this.waiting.splice(0, taken);
  }

  private async runBatch(batch: Waiting[]): Promise<void> {
    try {
      const scores = await this.inference.score(...joined(batch));
      let from = 0;
      for (const { count, resolve } of batch) {
        resolve(part(scores, from, count));
        from += count;
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

function joined(batch: Waiting[]): [Float32Array, number] {
  if (batch.length === 1) return [batch[0].features, batch[0].count];
  const all = new Float32Array(batch.reduce((sum, { features }) => sum + features.length, 0));
  let at = 0;
  for (const { features } of batch) {
    all.set(features, at);
    at += features.length;
  }
  return [all, batch.reduce((sum, { count }) => sum + count, 0)];
}

function part(scores: Scores, from: number, count: number): Scores {
  const { evidenceRows, evidenceColumns } = scores;
  const mapSize = evidenceRows * evidenceColumns;
  const channels = scores.pooled.length / scores.logits.length;
  return {
    logits: scores.logits.subarray(from, from + count),
    evidence: scores.evidence.subarray(from * mapSize, (from + count) * mapSize),
    evidenceRows,
    evidenceColumns,
    pooled: scores.pooled.subarray(from * channels, (from + count) * channels),
  };
}
