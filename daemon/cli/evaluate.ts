import { Command } from 'commander';
import { Detector } from '../detector.ts';
import { evaluateDataset } from '../evaluation/evaluateDataset.ts';
import { percent } from '../evaluation/figureText.ts';
import { COVERAGE_STEPS } from '../evaluation/metricsFile.ts';
import { withExitCodes } from './exitCodes.ts';
import { EXIT_CODE_GATE_FAILED, reportGates } from './gates.ts';
import { dataRootOf } from './kaggleRoot.ts';
import {
  type DetectorFlags,
  dataRootOption,
  detectorOptions,
  gatesOption,
  kaggleOption,
  positiveInteger,
  withDetectorOptions,
} from './options.ts';
import { ProgressLine, warn } from './terminal.ts';

/** Shares of the surest clips whose error is printed. */
const PRINTED_COVERAGES = [0.25, 0.5, 0.75, 1];

interface EvaluateOptions extends DetectorFlags {
  dataRoot?: string;
  useKagglehub?: boolean;
  gates?: boolean;
  samplePerClass?: number;
  reportsDir: string;
}

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description(
      'Measure a model on a labelled folder and write metrics.json, confusion_matrix.png and report.html.',
    )
    .addOption(dataRootOption())
    .addOption(kaggleOption())
    .option('--sample-per-class <n>', 'use the first n clips of each class', positiveInteger)
    .option('--reports-dir <folder>', 'where the reports go', 'reports')
    .addOption(gatesOption())
    .option('--batch-size <n>', 'accepted for compatibility; files are scored one by one', positiveInteger)
    .action(evaluate);
  return withExitCodes(withDetectorOptions(command), {
    1: 'nothing was measured',
    [EXIT_CODE_GATE_FAILED]: 'with --gates: a gate failed',
  });
}

async function evaluate(options: EvaluateOptions): Promise<void> {
  const progress = new ProgressLine();
  const dataRoot = await dataRootOf(options, progress);
  const detector = await Detector.open(detectorOptions(options), warn);
  try {
    const result = await evaluateDataset(detector.classifier, {
      dataRoot,
      reportsDir: options.reportsDir,
      samplePerClass: options.samplePerClass,
      onProgress: (done, total) => progress.show(`${done} of ${total} clips`),
    });
    progress.clear();
    const { metrics } = result;
    for (const warning of result.warnings) warn(warning);
    console.log(`Evaluated on ${metrics.evaluated_on}.`);
    console.log(
      `Accuracy ${percent(metrics.accuracy)}, EER ${percent(metrics.eer)}, F1 ${metrics.f1.toFixed(3)}; ` +
        `Genuine ${percent(metrics.per_class_accuracy.Genuine)}, Deepfake ${percent(metrics.per_class_accuracy.Deepfake)}.`,
    );
    const { coverage, error } = metrics.coverage_error as { coverage: number[]; error: number[] };
    const surest = PRINTED_COVERAGES.map((share) => COVERAGE_STEPS.indexOf(share));
    console.log(
      `At the threshold: HTER ${percent(metrics.hter as number)}, Cllr ${(metrics.cllr as number).toFixed(3)} bits. Wrong among the surest` +
        ` ${surest.map((i) => `${percent(coverage[i])}: ${percent(error[i])}`).join(', ')}.`,
    );
    console.log(
      `Decided ${percent(result.coverage)} of the clips, ${percent(result.decidedAccuracy)} of them rightly; the rest is Inconclusive.`,
    );
    console.log(`Wrote ${result.metricsFile}, ${result.confusionMatrixFile} and ${result.reportFile}.`);
    if (options.gates) reportGates(metrics);
  } finally {
    progress.clear();
    await detector.dispose();
  }
}
