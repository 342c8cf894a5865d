import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import Table from 'cli-table3';
import { Command } from 'commander';
import { DeepfakeError, messageOf } from '../../shared/errors.ts';
import type { Verdict } from '../../shared/verdict.ts';
import { verdictJson } from '../../shared/verdictJson.ts';
import { Detector } from '../detector.ts';
import { withExitCodes } from './exitCodes.ts';
import { type DetectorFlags, detectorOptions, withDetectorOptions } from './options.ts';
import { warn } from './terminal.ts';

interface PredictOptions extends DetectorFlags {
  firstWindow?: boolean;
  table?: boolean;
}

type Outcome = { file: string; verdict: Verdict } | { file: string; error: string };

export function predictCommand(): Command {
  const command = new Command('predict')
    .description('Say of each audio file whether it is genuine or synthetic speech.')
    .argument('<audio...>', 'audio files')
    .option('--first-window', 'look at the first window only, as the reference does')
    .option('--table', 'print a table for people instead of JSON')
    .action(predict);
  return withExitCodes(withDetectorOptions(command), {
    1: 'a file could not be read, or the command failed',
  });
}

async function predict(files: string[], options: PredictOptions): Promise<void> {
  const detector = await Detector.open(
    { ...detectorOptions(options), workers: Math.min(files.length, availableParallelism()) },
    warn,
  );
  try {
    const outcomes = await Promise.all(files.map((file) => classify(detector, file, options)));
    if (options.table) console.log(verdictTable(outcomes));
    else printJson(outcomes);
    for (const outcome of outcomes) {
      if (!('error' in outcome)) continue;
      process.exitCode = 1;
      if (!options.table) console.error(`error: ${outcome.error}`);
    }
  } finally {
    await detector.dispose();
  }
}

async function classify(detector: Detector, file: string, options: PredictOptions): Promise<Outcome> {
  try {
    const verdict = await detector.classifier.classify(resolve(file), { firstWindow: options.firstWindow });
    return { file, verdict };
  } catch (error) {
    if (!(error instanceof DeepfakeError)) throw error;
    return { file, error: messageOf(error) };
  }
}

/** One file: its object, or nothing but the error line. Several: an array with an entry per file. */
function printJson(outcomes: Outcome[]): void {
  const entries = outcomes.map((outcome) =>
    'verdict' in outcome ? verdictJson(outcome.verdict) : { file: outcome.file, error: outcome.error },
  );
  if (entries.length > 1) console.log(JSON.stringify(entries, null, 2));
  else if ('verdict' in outcomes[0]) console.log(JSON.stringify(entries[0], null, 2));
}

function verdictTable(outcomes: Outcome[]): string {
  const table = new Table({
    head: ['File', 'Verdict', 'Deepfake probability', 'Length', 'Remark'],
    style: { head: [], border: [], compact: true },
    wordWrap: true,
    colWidths: [null, null, null, null, 48],
  });
  for (const outcome of outcomes) {
    if ('error' in outcome) {
      table.push([outcome.file, 'Not read', '', '', outcome.error]);
      continue;
    }
    const { verdict } = outcome;
    table.push([
      outcome.file,
      verdict.decision,
      `${(100 * verdict.deepfakeProbability).toFixed(1)} %`,
      `${verdict.audio.duration.toFixed(1)} s`,
      [...verdict.reasons, ...verdict.audio.warnings].join(' '),
    ]);
  }
  return table.toString();
}
