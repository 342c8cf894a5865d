import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { Command, InvalidArgumentError, Option } from 'commander';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import type { ScanSummary } from '../../shared/protocol.ts';
import { durationText } from '../../shared/wording.ts';
import { Detector } from '../detector.ts';
import { packageVersion } from '../paths.ts';
import type { ReportContext } from '../scan/formats/format.ts';
import { summaryText } from '../scan/formats/table.ts';
import {
  FORMATS,
  type FormatName,
  fileReport,
  formatOf,
  type Report,
  streamReport,
} from '../scan/reports.ts';
import { defaultStorePath, openStore } from '../scan/resultStore.ts';
import { type ScanProgress, scan } from '../scan/scan.ts';
import { isUrl, nameOfUrl } from '../scan/urls.ts';
import { withExitCodes } from './exitCodes.ts';
import { type DetectorFlags, detectorOptions, queueOption, withDetectorOptions } from './options.ts';
import { ProgressLine, warn } from './terminal.ts';

/** Ctrl+C is what shells make of it. */
const FOUND = 2;
const INTERRUPTED = 130;
/** Milliseconds between two updates of the progress line. */
const PROGRESS_INTERVAL_MS = 200;
/** Files that need analysis before the rate says something. */
const RATE_FROM_FILES = 8;

type FailOn = 'deepfake' | 'inconclusive' | 'error';

interface ScanCliOptions extends DetectorFlags {
  include?: string[];
  exclude?: string[];
  since?: Date;
  firstWindow?: boolean;
  ordered?: boolean;
  format?: FormatName | 'none';
  output?: string[];
  store?: string | false;
  queue?: string;
  from?: string;
  failOn: FailOn[];
}

export function scanCommand(): Command {
  const collect = (value: string, before: string[] = []): string[] => [...before, value];
  const command = new Command('scan')
    .description(
      'Classify every audio file below folders. What was answered before is not analysed again. Ctrl+C or worse loses nothing: start again.',
    )
    .argument('[path...]', 'folders and files; URLs with --queue')
    .option('--from <file>', 'also what this file names, one path or URL a line; - for standard input')
    .option('--include <glob>', 'only files like this, relative to the folder; may be repeated', collect)
    .option('--exclude <glob>', 'no files and folders like this; may be repeated', collect)
    .option('--since <date>', 'only files modified since, for instance 2026-01-31', date)
    .option('--ordered', 'results in path order instead of as they come')
    .option('--first-window', 'look at the first window of each file only, as the reference does')
    .addOption(
      new Option(
        '--format <name>',
        'what goes to standard output (default: table on a terminal, else jsonl)',
      ).choices([...Object.keys(FORMATS), 'none']),
    )
    .option(
      '--output <file>',
      'also write a report, in the format of its extension: .json .jsonl .csv .sarif .html .txt; may be repeated',
      collect,
    )
    .addOption(
      new Option(
        '--fail-on <what>',
        `exit with code ${FOUND} when a file is deepfake, inconclusive or error; may be repeated`,
      )
        .argParser(failOn)
        .default([], 'nothing'),
    )
    .option('--store <file>', `where results are kept (default: ${defaultStorePath})`)
    .option('--no-store', 'analyse everything and keep nothing')
    .addOption(queueOption())
    .action(runScan);
  return withExitCodes(withDetectorOptions(command), {
    1: 'the scan failed',
    [FOUND]: 'what --fail-on names was found',
    [INTERRUPTED]: 'stopped by Ctrl+C; the same command goes on',
  });
}

function date(text: string): Date {
  // A day without a time means its start here, not in Greenwich.
  const value = new Date(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00` : text);
  if (Number.isNaN(value.getTime()))
    throw new InvalidArgumentError('It must be a date such as 2026-01-31 or 2026-01-31T18:00:00Z.');
  return value;
}

function failOn(value: string, before: FailOn[]): FailOn[] {
  if (value !== 'deepfake' && value !== 'inconclusive' && value !== 'error')
    throw new InvalidArgumentError('It must be deepfake, inconclusive or error.');
  return [...before, value];
}

/** What a list names: a path or URL a line. */
async function listedPaths(file: string): Promise<string[]> {
  const read = file === '-' ? text(process.stdin) : readFile(file, 'utf8');
  const lines = await read.catch((error) => {
    const message = `The list ${file} could not be read (${messageOf(error)}): check its path.`;
    throw new DeepfakeError(ErrorCode.FileNotFound, message, file, { cause: error });
  });
  return lines.split(/\r?\n/).filter((line) => line.trim() !== '');
}

async function runScan(named: string[], options: ScanCliOptions): Promise<void> {
  const { output = [] } = options;
  const paths = [...named, ...(options.from === undefined ? [] : await listedPaths(options.from))];
  if (paths.length === 0)
    throw new DeepfakeError(ErrorCode.InvalidArguments, 'There is nothing to scan: name folders or files.');
  for (const file of output) formatOf(file);
  const cancellation = new AbortController();
  const stop = () => cancellation.abort();
  const where = options.store && resolve(options.store);
  const store = await openStore(where, warn);
  const detector = await Detector.open(detectorOptions(options), warn).catch(async (error) => {
    await store?.close();
    throw error;
  });
  const progress = new ProgressDisplay();
  process.once('SIGINT', stop);
  // A reader that has seen enough, such as head, ends the scan without an error.
  process.stdout.on('error', stop);
  const reports: Report[] = [];
  try {
    const context: ReportContext = {
      // Of a list its place is enough for a report.
      paths: [...named, ...(options.from === undefined ? [] : [options.from])].map((path) =>
        isUrl(path) ? nameOfUrl(path) : resolve(path),
      ),
      model: detector.classifier.model.facts,
      version: packageVersion,
      started: new Date(),
      base: process.cwd(),
    };
    for (const file of output) reports.push(await fileReport(resolve(file), context));
    const format = options.format ?? (process.stdout.isTTY ? 'table' : 'jsonl');
    if (format !== 'none') reports.push(await streamReport(FORMATS[format](context), process.stdout));

    const summary = await scan(detector.classifier, {
      paths,
      include: options.include,
      exclude: options.exclude,
      since: options.since,
      firstWindow: options.firstWindow,
      ordered: options.ordered,
      store,
      queue: options.queue,
      warn,
      signal: cancellation.signal,
      onResult: async (result) => {
        if (process.stdout.isTTY) progress.clear();
        for (const report of reports) await report.add(result);
      },
      onProgress: progress.live ? (state) => progress.show(state) : undefined,
    });
    progress.clear();
    for (const report of reports) await report.finish(summary);
    if (format !== 'table') console.error(summaryText(summary));
    if (options.failOn.some((what) => countOf(summary, what) > 0)) process.exitCode = FOUND;
  } catch (error) {
    for (const report of reports) await report.discard();
    if (!(error instanceof DeepfakeError && error.code === ErrorCode.Cancelled)) throw error;
    process.exitCode = INTERRUPTED;
    progress.clear();
    if (!process.stdout.destroyed) console.error('Stopped. The same command goes on from here.');
  } finally {
    progress.clear();
    process.off('SIGINT', stop);
    await detector.dispose();
    await store?.close();
  }
}

function countOf(summary: ScanSummary, what: FailOn): number {
  if (what === 'deepfake') return summary.Deepfake;
  return what === 'inconclusive' ? summary.Inconclusive : summary.failed;
}

/** Count, rate and time left on standard error. */
class ProgressDisplay {
  readonly live = process.stderr.isTTY === true;
  private readonly line = new ProgressLine();
  private shownAt = 0;

  show({ summary, found, allFound, workers }: ScanProgress): void {
    const now = performance.now();
    if (now - this.shownAt < PROGRESS_INTERVAL_MS) return;
    this.shownAt = now;
    const count = (n: number) => n.toLocaleString('en');
    const parts = [`${count(summary.files)} of ${count(found)}${allFound ? '' : '+'} files`];
    if (workers !== undefined) parts.push(`${workers} ${workers === 1 ? 'worker' : 'workers'}`);
    if (summary.Deepfake > 0) parts.push(`${count(summary.Deepfake)} Deepfake`);
    if (summary.files >= RATE_FROM_FILES) {
      const rate = summary.files / summary.seconds;
      parts.push(`${rate < 10 ? rate.toFixed(1) : Math.round(rate)} files/s`);
      if (allFound) parts.push(`${durationText(Math.ceil((found - summary.files) / rate))} left`);
    }
    this.line.show(parts.join(' · '));
  }

  clear(): void {
    this.line.clear();
  }
}
