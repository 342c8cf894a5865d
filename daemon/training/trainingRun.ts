import { resolve as absolute } from 'node:path';
import { Worker } from 'node:worker_threads';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import type { TrainingEvent, TrainResult } from '../../shared/protocol.ts';
import type { EngineOptions } from '../model/engines.ts';
import { distFile } from '../paths.ts';

/** A training run as asked for; what is absent comes from the recipe. */
export interface TrainingSettings extends EngineOptions {
  /** Absent: the environment's DATASET_ROOT. */
  dataRoot?: string;
  modelDir: string;
  reportsDir: string;
  /** Preset name or recipe file. */
  recipe: string;
  epochs?: number;
  batchSize?: number;
  learningRate?: number;
  weightDecay?: number;
  patience?: number;
  valSize: number;
  seed: number;
  samplePerClass?: number;
  ffmpegPath?: string;
  /** Analysis threads; default: one per core. */
  workers?: number;
  /** Go on with the unfinished run in the model folder. */
  resume?: boolean;
  /** Begin anew although there is one. */
  fresh?: boolean;
  /** Folder in which features are kept for later runs; default: the user's cache folder. False: nowhere. */
  featureCache?: string | false;
  /** Gigabytes that the folder may grow to; default: DEFAULT_CACHE_GIGABYTES. */
  featureCacheLimit?: number;
}

export const DEFAULT_VAL_SIZE = 0.2;
export const DEFAULT_SEED = 42;

/** How a training thread ends. */
export type TrainingEnd =
  | { type: 'done'; result: TrainResult }
  | { type: 'failed'; code?: ErrorCode; message: string; file?: string };

/** Model folders that this process trains into. */
const underWay = new Set<string>();

/**
 * Trains in a thread of its own, so that this one stays responsive. When `signal` aborts, the run stops after the current
 * step and keeps the best epoch's model; it throws Cancelled where there is none yet. Throws WriteFailed where another run trains
 * into the same folder.
 */
export async function startTraining(
  settings: TrainingSettings,
  onEvent: (event: TrainingEvent) => void,
  signal?: AbortSignal,
): Promise<TrainResult> {
  const folder = absolute(settings.modelDir);
  if (underWay.has(folder)) {
    const message = `A model is being trained into ${folder} already: wait for that to end, or choose another folder with --model-dir.`;
    throw new DeepfakeError(ErrorCode.WriteFailed, message, folder);
  }
  underWay.add(folder);
  try {
    return await runInThread(settings, onEvent, signal);
  } finally {
    underWay.delete(folder);
  }
}

function runInThread(
  settings: TrainingSettings,
  onEvent: (event: TrainingEvent) => void,
  signal: AbortSignal | undefined,
): Promise<TrainResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(distFile('trainingWorker.js'), { workerData: settings });
    const cancel = () => worker.postMessage('cancel');
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    let end: TrainingEnd | undefined;
    worker.on('message', (message: TrainingEvent | TrainingEnd) => {
      if (message.type === 'done' || message.type === 'failed') end = message;
      else onEvent(message);
    });
    worker.on('error', reject);
    worker.on('exit', () => {
      signal?.removeEventListener('abort', cancel);
      if (end?.type === 'done') resolve(end.result);
      else if (end === undefined) reject(new Error('The training thread ended without a result.'));
      else
        reject(
          end.code === undefined
            ? new Error(end.message)
            : new DeepfakeError(end.code, end.message, end.file),
        );
    });
  });
}
