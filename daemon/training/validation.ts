import { calibratedProbability, UNCALIBRATED } from '../evaluation/calibration.ts';
import { equalErrorRate, referenceMetrics, softplus } from '../evaluation/metrics.ts';
import { pooledChannels, type StateDict } from '../model/audioCnn.ts';
import type { Engine, NetworkShape, Scores } from '../model/engine.ts';
import type { StoredFeatures } from './examples.ts';
import { prefetch } from './prefetch.ts';

/** Examples scored at once during validation. */
const VALIDATION_BATCH = 64;

/** Scores of the validation clips, and what they amount to. */
export interface Validation {
  /** Mean logit of each clip's windows. */
  logits: Float64Array;
  eer: number;
  accuracy: number;
  f1: number;
  /** Mean binary cross-entropy, which decides between epochs of equal EER. */
  loss: number;
}

export interface ValidationOptions {
  /** Told the clips that are done. */
  onProgress?: (done: number) => void;
  /** Aborting throws its reason. */
  signal?: AbortSignal;
}

/** The network's pooled features of each clip, mean over its windows. */
export async function pooledFeatures(
  engine: Engine,
  shape: NetworkShape,
  state: StateDict,
  examples: StoredFeatures,
): Promise<Float64Array[]> {
  const clips = examples.windows.map(() => new Float64Array(pooledChannels(shape.architecture)));
  await scoreWindows(engine, shape, state, examples, {}, ({ pooled }, window, clip) => {
    const mean = clips[clip];
    const share = 1 / examples.windows[clip].length;
    for (let i = 0; i < mean.length; i++) mean[i] += share * pooled[window * mean.length + i];
  });
  return clips;
}

/** Scores every validation clip as prediction would: mean logit over its windows. */
export async function validate(
  engine: Engine,
  shape: NetworkShape,
  state: StateDict,
  examples: StoredFeatures,
  options: ValidationOptions = {},
): Promise<Validation> {
  const logits = new Float64Array(examples.windows.length);
  await scoreWindows(engine, shape, state, examples, options, (scores, window, clip) => {
    logits[clip] += scores.logits[window] / examples.windows[clip].length;
  });
  const probabilities = logits.map((logit) => calibratedProbability(logit, UNCALIBRATED));
  const { accuracy, f1 } = referenceMetrics(probabilities, examples.labels, 0.5);
  const loss = logits.reduce(
    (sum, logit, clip) => sum + softplus(examples.labels[clip] > 0.5 ? -logit : logit),
    0,
  );
  return {
    logits,
    eer: equalErrorRate(logits, examples.labels).eer,
    accuracy,
    f1,
    loss: loss / logits.length,
  };
}

/** Scores all windows in batches; `use` is told each window's place in its batch's scores, and its clip. */
async function scoreWindows(
  engine: Engine,
  shape: NetworkShape,
  state: StateDict,
  examples: StoredFeatures,
  { onProgress, signal }: ValidationOptions,
  use: (scores: Scores, window: number, clip: number) => void,
): Promise<void> {
  const inference = await engine.createInference(shape, state);
  const clipOfWindow = examples.windows.flatMap((windows, clip) => windows.map(() => clip));
  const entries = examples.windows.flat();
  try {
    const batches: number[][] = [];
    for (let i = 0; i < entries.length; i += VALIDATION_BATCH)
      batches.push(entries.slice(i, i + VALIDATION_BATCH));
    let scored = 0;
    for await (const features of prefetch(batches, (batch) => examples.read(batch))) {
      signal?.throwIfAborted();
      const count = batches[scored / VALIDATION_BATCH].length;
      const scores = await inference.score(features, count);
      for (let window = 0; window < count; window++) use(scores, window, clipOfWindow[scored + window]);
      onProgress?.(clipOfWindow[scored + count - 1] + 1);
      scored += VALIDATION_BATCH;
    }
  } finally {
    await inference.dispose();
  }
}
