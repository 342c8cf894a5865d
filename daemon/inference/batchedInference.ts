import type { InferenceEngine, Scores } from '../model/engine.ts';

/**
 * Spectrograms in one call of the network. More bring no speed, and ONNX Runtime keeps what the largest call needed for good: 7 MB
 * each with the shipped network.
 */
const LARGEST_BATCH = 8;

interface Waiting {
  features: Float32Array;
  count: number;
  resolve(scores: Scores): void;
  reject(error: unknown): void;
}

/**
 * Scores windows of several files in one call: what arrives while the network is busy waits and goes together in the next
 * call, and many of one file go in several calls. Nothing waits for company, so a single file is as fast as without. A window's
 * score does not depend on its batch.
 */
export class BatchedInference implements InferenceEngine {
  private waiting: Waiting[] = [];
  private running: Promise<void> | undefined;

  constructor(private readonly inference: InferenceEngine) {}

  async score(features: Float32Array, count: number): Promise<Scores> {
    if (count <= LARGEST_BATCH) return this.scorePart(features, count);
    const size = features.length / count;
    const parts: Promise<Scores>[] = [];
    for (let from = 0; from < count; from += LARGEST_BATCH) {
      const to = Math.min(count, from + LARGEST_BATCH);
      // A copy, because a view would take all of its buffer along to another thread.
      parts.push(this.scorePart(features.slice(from * size, to * size), to - from));
    }
    return together(await Promise.all(parts));
  }

  private scorePart(features: Float32Array, count: number): Promise<Scores> {
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
  const features = concatenated(batch.map(({ features }) => features));
  return [features, batch.reduce((sum, { count }) => sum + count, 0)];
}

function concatenated(arrays: Float32Array[]): Float32Array {
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}

/** Scores of consecutive windows that went in several calls. */
function together(parts: Scores[]): Scores {
  return {
    ...parts[0],
    logits: concatenated(parts.map(({ logits }) => logits)),
    evidence: concatenated(parts.map(({ evidence }) => evidence)),
    pooled: concatenated(parts.map(({ pooled }) => pooled)),
  };
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
