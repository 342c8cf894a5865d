import { Command, Option } from 'commander';
import type { TrainingEvent } from '../../shared/protocol.ts';
import { percent } from '../evaluation/figureText.ts';
import { DEFAULT_CACHE_GIGABYTES, defaultCacheFolder } from '../training/featureCache.ts';
import { progressText } from '../training/progressText.ts';
import { presets } from '../training/recipe.ts';
import { DEFAULT_SEED, DEFAULT_VAL_SIZE, startTraining } from '../training/trainingRun.ts';
import { withExitCodes } from './exitCodes.ts';
import { EXIT_CODE_GATE_FAILED, reportGates } from './gates.ts';
import { dataRootOf } from './kaggleRoot.ts';
import {
  dataRootOption,
  type EngineFlags,
  engineOptions,
  gatesOption,
  kaggleOption,
  nonNegativeNumber,
  positiveInteger,
  share,
  wholeNumber,
  withEngineOptions,
} from './options.ts';
import { ProgressLine, warn } from './terminal.ts';

interface TrainOptions extends EngineFlags {
  dataRoot?: string;
  useKagglehub?: boolean;
  gates?: boolean;
  recipe: string;
  samplePerClass?: number;
  epochs?: number;
  batchSize?: number;
  valSize: number;
  lr?: number;
  weightDecay?: number;
  patience?: number;
  seed: number;
  numWorkers?: number;
  modelDir: string;
  reportsDir: string;
  ffmpeg?: string;
  resume?: boolean;
  fresh?: boolean;
  featureCache?: string | false;
  featureCacheLimit?: number;
}

/** What the presets say, for the help. */
const byRecipe = (field: 'epochs' | 'batchSize' | 'learningRate' | 'weightDecay' | 'patience'): string =>
  `(${Object.entries(presets)
    .map(([name, recipe]) => `recipe ${name}: ${recipe[field]}`)
    .join(', ')})`;

export function trainCommand(): Command {
  const command = new Command('train')
    .description(
      'Train a model on a labelled folder. Ctrl+C stops and keeps the best epoch; --resume goes on.',
    )
    .addOption(dataRootOption())
    .addOption(kaggleOption())
    .option('--recipe <name>', 'default, reference, or a recipe file', 'default')
    .option('--sample-per-class <n>', 'use the first n clips of each class', positiveInteger)
    .option('--epochs <n>', `passes over the data ${byRecipe('epochs')}`, positiveInteger)
    .option('--batch-size <n>', `clips per step ${byRecipe('batchSize')}`, positiveInteger)
    .option('--val-size <share>', 'share of each class held out for validation', share, DEFAULT_VAL_SIZE)
    .option('--lr <rate>', `learning rate ${byRecipe('learningRate')}`, nonNegativeNumber)
    .option('--weight-decay <rate>', `weight decay of AdamW ${byRecipe('weightDecay')}`, nonNegativeNumber)
    .option(
      '--patience <n>',
      `epochs without improvement before stopping, 0 for never ${byRecipe('patience')}`,
      wholeNumber,
    )
    .option('--seed <n>', 'seed of split, order, dropout and augmentation', wholeNumber, DEFAULT_SEED)
    .option('--num-workers <n>', 'threads that prepare features (default: one per core)', positiveInteger)
    .option('--model-dir <folder>', 'where the model goes', 'models')
    .option('--reports-dir <folder>', 'where the reports go', 'reports')
    .option('--resume', 'go on with the unfinished run in the model folder; needs the same other options')
    .addOption(
      new Option('--fresh', 'begin anew although the model folder holds an unfinished run').conflicts(
        'resume',
      ),
    )
    .option(
      '--feature-cache <folder>',
      `where features are kept for later runs (default: ${defaultCacheFolder()})`,
    )
    .option('--no-feature-cache', 'compute the features anew and keep none')
    .option(
      '--feature-cache-limit <gigabytes>',
      'the features unused for longest are deleted beyond this',
      nonNegativeNumber,
      DEFAULT_CACHE_GIGABYTES,
    )
    .addOption(gatesOption())
    .action(train);
  return withExitCodes(withEngineOptions(command), {
    1: 'nothing was trained, or the run failed',
    [EXIT_CODE_GATE_FAILED]: 'with --gates: a gate failed',
  });
}

async function train(options: TrainOptions): Promise<void> {
  const progress = new ProgressLine();
  const cancellation = new AbortController();
  const interrupt = () => {
    progress.show('Stopping after this step …');
    cancellation.abort();
  };
  process.once('SIGINT', interrupt);
  try {
    const result = await startTraining(
      {
        dataRoot: await dataRootOf(options, progress, cancellation.signal),
        modelDir: options.modelDir,
        reportsDir: options.reportsDir,
        recipe: options.recipe,
        epochs: options.epochs,
        batchSize: options.batchSize,
        learningRate: options.lr,
        weightDecay: options.weightDecay,
        patience: options.patience,
        valSize: options.valSize,
        seed: options.seed,
        samplePerClass: options.samplePerClass,
        ffmpegPath: options.ffmpeg,
        ...engineOptions(options),
        workers: options.numWorkers,
        resume: options.resume,
        fresh: options.fresh,
        featureCache: options.featureCache,
        featureCacheLimit: options.featureCacheLimit,
      },
      (event) => print(event, progress),
      cancellation.signal,
    );
    progress.clear();
    const { metrics, test } = result;
    console.log(
      `Kept epoch ${result.bestEpoch} of ${result.epochsRun}: validation EER ${percent(metrics.eer)}, accuracy ${percent(metrics.accuracy)}.`,
    );
    if (test !== undefined) {
      console.log(
        `Testing part: EER ${percent(test.metrics.eer)}, accuracy ${percent(test.metrics.accuracy)}.`,
      );
    }
    const reports = [result, ...(test === undefined ? [] : [test])].flatMap((part) => [
      part.metricsFile,
      part.confusionMatrixFile,
      part.reportFile,
    ]);
    console.log(
      `Wrote ${[result.checkpoint, result.config, ...reports.slice(0, -1)].join(', ')} and ${reports.at(-1)}.`,
    );
    if (result.cancelled)
      console.log('The run is not finished: the same command with --resume goes on with it.');
    if (options.gates) reportGates((test ?? result).metrics);
  } finally {
    progress.clear();
    process.off('SIGINT', interrupt);
  }
}

function print(event: TrainingEvent, progress: ProgressLine): void {
  switch (event.type) {
    case 'dataset':
      for (const warning of event.warnings) warn(warning);
      console.log(
        `${event.genuine} Genuine and ${event.deepfake} Deepfake clips: ${event.training} to train on, ${event.validation} to validate` +
          `${event.testing > 0 ? `, ${event.testing} to test` : ''}.`,
      );
      // The usual engine is not worth a line.
      if (event.engine.name !== 'onnxruntime' || event.engine.device !== 'cpu')
        console.log(`Engine: ${event.engine.name} on ${event.engine.device}.`);
      break;
    case 'resuming':
      progress.clear();
      for (const warning of event.warnings) console.error(`warning: ${warning}`);
      console.log(`Going on in epoch ${Math.min(event.epoch, event.epochs)} of ${event.epochs}.`);
      break;
    case 'epoch': {
      const { epoch, loss, valAccuracy, valEer, valF1 } = event.report;
      progress.clear();
      console.log(
        `Epoch ${String(epoch).padStart(3, '0')} loss=${loss.toFixed(4)} val_acc=${valAccuracy.toFixed(4)} ` +
          `val_eer=${valEer.toFixed(4)} val_f1=${valF1.toFixed(4)}`,
      );
      break;
    }
    default:
      progress.show(progressText(event));
  }
}
