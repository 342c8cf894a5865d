import type {
  DatasetParams,
  DatasetResult,
  EvaluateParams,
  EvaluateResult,
  TrainingEvent,
  TrainParams,
  TrainResult,
} from '../../shared/protocol.ts';
import { discoverDataset } from '../dataset/manifest.ts';
import { splitIntoParts } from '../dataset/split.ts';
import type { Detector, DetectorOptions } from '../detector.ts';
import { evaluateDataset } from '../evaluation/evaluateDataset.ts';
import { progressText } from '../training/progressText.ts';
import { DEFAULT_SEED, DEFAULT_VAL_SIZE, startTraining } from '../training/trainingRun.ts';
import type { Call } from './requests.ts';

/** Counts the clips of a labelled folder, and those of the parts that a run with default settings makes of them. */
export async function describeDataset({ dataRoot }: DatasetParams): Promise<DatasetResult> {
  const { root, name, clips, labelSources, warnings } = await discoverDataset(dataRoot);
  const parts = splitIntoParts(clips, { valSize: DEFAULT_VAL_SIZE, seed: DEFAULT_SEED });
  const deepfake = clips.filter(({ label }) => label === 1).length;
  return {
    root,
    name,
    genuine: clips.length - deepfake,
    deepfake,
    parts: {
      training: parts.training.length,
      validation: parts.validation.length,
      testing: parts.testing.length,
    },
    labelSources,
    warnings,
  };
}

/** Trains a model with the daemon's own ffmpeg, engine and device. */
export function train(
  { ffmpegPath, engine, device }: DetectorOptions,
  params: TrainParams,
  { signal, partial, withProgress }: Call<TrainingEvent>,
): Promise<TrainResult> {
  return withProgress('Training', (progress) =>
    startTraining(
      {
        dataRoot: params.dataRoot,
        modelDir: params.modelDir,
        reportsDir: params.reportsDir,
        recipe: params.recipe ?? 'default',
        epochs: params.epochs,
        batchSize: params.batchSize,
        learningRate: params.lr,
        weightDecay: params.weightDecay,
        patience: params.patience,
        valSize: params.valSize ?? DEFAULT_VAL_SIZE,
        seed: params.seed ?? DEFAULT_SEED,
        samplePerClass: params.samplePerClass,
        resume: params.resume,
        fresh: params.fresh,
        ffmpegPath,
        engine,
        device,
      },
      (event) => {
        partial?.(event);
        if (event.type === 'dataset' || event.type === 'resuming' || event.type === 'epoch') return;
        const text = progressText(event);
        // The percentage is the training's: it must not go back from one phase to the next.
        if (event.type === 'step') progress.report(Math.floor((100 * event.step) / event.steps), text);
        else progress.report(text);
      },
      signal,
    ),
  );
}

/** Measures the loaded model, or the one named, on a labelled folder. */
export async function evaluate(
  detector: Detector,
  { checkpoint, config, dataRoot, reportsDir, samplePerClass }: EvaluateParams,
  { signal, withProgress }: Call<never>,
): Promise<EvaluateResult> {
  const own = checkpoint === undefined ? undefined : await detector.openClassifier(checkpoint, config);
  try {
    return await withProgress('Evaluating', (progress) =>
      detector.use((loaded) =>
        evaluateDataset(own ?? loaded, {
          dataRoot,
          reportsDir,
          samplePerClass,
          onProgress: (done, total) => progress.report((100 * done) / total, `${done} of ${total} clips`),
          signal,
        }),
      ),
    );
  } finally {
    await own?.dispose();
  }
}
