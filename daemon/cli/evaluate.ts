import { Command } from 'commander';
import { Detector } from '../detector.ts';
import { evaluateDataset } from '../evaluation/evaluateDataset.ts';
import { configOption, cpuOption, ffmpegOption, modelOption, positiveInteger } from './options.ts';
import { ProgressLine, percent } from './terminal.ts';

interface EvaluateOptions {
  dataRoot?: string;
  samplePerClass?: number;
  model?: string;
  config?: string;
  reportsDir: string;
  ffmpeg?: string;
}

export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description('Measure a model on a labelled folder and write metrics.json and confusion_matrix.png.')
    .option('--data-root <folder>', 'labelled folder (default: the environment variable DATASET_ROOT)')
    .option('--sample-per-class <n>', 'use the first n clips of each class', positiveInteger)
    .addOption(modelOption())
    .addOption(configOption())
    .option('--reports-dir <folder>', 'where the reports go', 'reports')
    .option('--batch-size <n>', 'accepted for compatibility; files are scored one by one', positiveInteger)
    .addOption(ffmpegOption())
    .addOption(cpuOption())
    .action(evaluate);
}

async function evaluate(options: EvaluateOptions): Promise<void> {
  const detector = await Detector.open({
    checkpoint: options.model,
    config: options.config,
    ffmpegPath: options.ffmpeg,
  });
  const progress = new ProgressLine();
  try {
    const result = await evaluateDataset(detector.classifier, {
      dataRoot: options.dataRoot,
      reportsDir: options.reportsDir,
      samplePerClass: options.samplePerClass,
      concurrency: 2 * detector.pool.workers,
      onProgress: (done, total) => progress.show(`${done} of ${total} clips`),
    });
    progress.clear();
    const { metrics } = result;
    for (const warning of result.warnings) console.error(`warning: ${warning}`);
    console.log(
      `Accuracy ${percent(metrics.accuracy)}, EER ${percent(metrics.eer)}, F1 ${metrics.f1.toFixed(3)}; ` +
        `Genuine ${percent(metrics.per_class_accuracy.Genuine)}, Deepfake ${percent(metrics.per_class_accuracy.Deepfake)}.`,
    );
    console.log(
      `Decided ${percent(result.coverage)} of the clips, ${percent(result.decidedAccuracy)} of them rightly; the rest is Inconclusive.`,
    );
    console.log(`Wrote ${result.metricsFile} and ${result.confusionMatrixFile}.`);
  } finally {
    progress.clear();
    await detector.dispose();
  }
}
