import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { Detector } from '../detector.ts';
import { withExitCodes } from './exitCodes.ts';
import {
  type EngineFlags,
  engineOptions,
  positiveInteger,
  queueOption,
  withEngineOptions,
} from './options.ts';
import { ProgressLine, warn } from './terminal.ts';

const INTERRUPTED = 130;
const MILLISECONDS = 1000;
/** Milliseconds between two updates of the progress line. */
const PROGRESS_INTERVAL_MS = 500;

interface WorkerCliOptions extends EngineFlags {
  queue: string;
  map?: { from: string; to: string }[];
  root?: string[];
  urls?: string[];
  s3?: string;
  stalledAfter: number;
}

export function workerCommand(): Command {
  const command = new Command('worker')
    .description(
      'Analyse files for scans with --queue, on this machine and until Ctrl+C. The model comes from the scan.',
    )
    .addOption(queueOption().makeOptionMandatory())
    .option(
      '--map <folder=folder>',
      "a folder of the scan's machine and where it lies here; may be repeated",
      mapping,
    )
    .option(
      '--root <folder>',
      'read only files below this folder; may be repeated (default: any)',
      (value, before: string[] = []) => [...before, resolve(value)],
    )
    .option(
      '--urls <start>',
      'fetch URLs that begin like this, for instance https://archive.example/; may be repeated (default: none)',
      address,
    )
    .option('--s3 <endpoint>', 'fetch s3://BUCKET/KEY as ENDPOINT/BUCKET/KEY, without signing', endpoint)
    .option(
      '--stalled-after <seconds>',
      'the job of a worker that gives no sign of life for so long goes to another',
      positiveInteger,
      30,
    )
    .action(runWorker);
  return withExitCodes(withEngineOptions(command), {
    1: 'the queue cannot be used, or the worker cannot be started',
    [INTERRUPTED]: 'stopped by a second Ctrl+C, before the files under way were done',
  });
}

function mapping(value: string, before: { from: string; to: string }[] = []) {
  const sign = value.indexOf('=');
  if (sign < 1 || sign === value.length - 1)
    throw new InvalidArgumentError('It must be like /archive=/mnt/archive.');
  return [...before, { from: value.slice(0, sign), to: resolve(value.slice(sign + 1)) }];
}

function endpoint(value: string): string {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    throw new InvalidArgumentError('It must begin with https:// or http://.');
  return new URL(value).href;
}

/** With a slash after the host, so that https://archive.example does not let https://archive.example.com in. */
const address = (value: string, before: string[] = []): string[] => [...before, endpoint(value)];

async function runWorker(options: WorkerCliOptions): Promise<void> {
  const detector = await Detector.open({ ffmpegPath: options.ffmpeg, ...engineOptions(options) }, warn);
  const line = new ProgressLine();
  const started = performance.now();
  let files = 0;
  let shownAt = 0;
  let closing = false;
  let stop!: () => void;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const onSignal = () => {
    // The scan gives the files under way to another worker.
    if (closing) process.exit(INTERRUPTED);
    closing = true;
    line.clear();
    console.error('Ending after the files under way. Press Ctrl+C again to stop at once.');
    stop();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    // Loaded by workers and by scans with a queue, and by nobody else.
    const [{ QueueWorker }, { FileLocator }, { shownAddress }] = await Promise.all([
      import('../scan/queue/queueWorker.ts'),
      import('../scan/queue/fileLocator.ts'),
      import('../scan/queue/redis.ts'),
    ]);
    const locator = new FileLocator({
      maps: options.map,
      roots: options.root,
      urls: options.urls,
      s3: options.s3,
    });
    const worker = await QueueWorker.open({
      url: options.queue,
      detector,
      locator,
      stalledAfter: MILLISECONDS * options.stalledAfter,
      warn,
      onFiles: (count) => {
        files += count;
        const now = performance.now();
        if (now - shownAt < PROGRESS_INTERVAL_MS) return;
        shownAt = now;
        const rate = (MILLISECONDS * files) / (now - started);
        line.show(`${files.toLocaleString('en')} files · ${rate.toFixed(1)} files/s since the start`);
      },
    });
    console.log(`${hostname()} works for ${shownAddress(options.queue)}. Ctrl+C ends it.`);
    await stopped;
    await worker.close();
    line.clear();
    console.log(`${files.toLocaleString('en')} files were analysed.`);
  } finally {
    line.clear();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await detector.dispose();
  }
}
