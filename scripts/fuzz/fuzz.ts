// npm run fuzz: damaged input for every reader of files and messages. Ends with 1 when something was found.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Command } from 'commander';
import { distFile } from '../../daemon/paths.ts';
import type { Batch, WorkerMessage } from './fuzzWorker.ts';
import { fuzzDaemon } from './jsonRpc.ts';
import { mutated } from './mutate.ts';
import { decoders, readers, tryInput } from './readers.ts';
import { seeds } from './seeds.ts';

/** An input that takes more computing hangs; one that waits for so long does too, however busy the machine is. */
const COMPUTING_LIMIT_MS = 10_000;
const WAITING_LIMIT_MS = 120_000;
/** Growth of this process beyond which the inputs under way are to blame: far above four hours of sound. */
const MEMORY_LIMIT_BYTES = 2.5 * 2 ** 30;
const WORKER_HEAP_MB = 512;
const BATCH_MS = 300;
/** A decoder takes a hundred times as long as the other readers do. */
const DECODER_BATCH_MS = 1200;
const JSON_RPC = 'jsonRpc';

interface Options {
  seconds: number;
  reader: string[];
  seed: number;
  jobs: number;
  out: string;
  replay?: string;
}

const collect = (value: string, previous: string[]) => [...previous, value];
const program = new Command('fuzz')
  .description(`Damaged input for the readers ${[...Object.keys(readers), JSON_RPC].join(', ')}.`)
  .option('--seconds <n>', 'how long', Number, 60)
  .option('--reader <name>', 'only this one (repeatable)', collect, [])
  .option('--seed <n>', 'other inputs; the same seed makes the same ones', Number, 1)
  .option('--jobs <n>', 'threads', Number, 2)
  .option('--out <folder>', 'where inputs that found something are kept', join('out', 'fuzz'))
  .option('--replay <file>', 'try one kept input with the reader named by --reader')
  .parse();
const options = program.opts<Options>();
const names = options.reader.length > 0 ? options.reader : [...Object.keys(readers), JSON_RPC];
const unknown = names.find((name) => !(name in seeds));
if (unknown !== undefined) program.error(`error: there is no reader ${unknown}.`);

/** Memory, where the system has a folder there: a disk would take most of the time. */
const MEMORY_FOLDER = '/dev/shm';
const folder = await mkdtemp(join(existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir(), 'deepfake-fuzz-'));
const tried = new Map(names.map((name) => [name, 0]));
/** By reader and by what was found, without its numbers: one input of each kind is kept. */
const findings = new Map<string, { reader: string; finding: string; times: number; file: string }>();
try {
  if (options.replay !== undefined) await replay(options.replay);
  else await search();
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function replay(file: string): Promise<void> {
  const [reader] = options.reader;
  if (!(reader in readers))
    program.error('error: --replay needs --reader with the name of a reader of files.');
  const place = join(folder, 'replay');
  await mkdir(place);
  const finding = await tryInput(reader, await readFile(file), place);
  console.log(finding ?? 'Nothing was found.');
  process.exitCode = finding === undefined ? 0 : 1;
}

async function search(): Promise<void> {
  const before = process.memoryUsage.rss();
  const end = performance.now() + 1000 * options.seconds;
  const ofFiles = names.filter((name) => name !== JSON_RPC);
  const jobs = Math.min(options.jobs, ofFiles.length);
  // Each job has readers of its own.
  const lanes = Array.from({ length: jobs }, (_, job) => ofFiles.filter((_, index) => index % jobs === job));
  const daemon = names.includes(JSON_RPC)
    ? fuzzDaemon({
        folder: join(folder, 'daemon'),
        seed: options.seed,
        end,
        onTried: (count) => tried.set(JSON_RPC, count),
        onFinding: (finding, bytes) => keep(JSON_RPC, finding, bytes),
      })
    : undefined;
  await Promise.all([daemon, ...lanes.map((lane) => runLane(lane, before, end))]);
  for (const [name, count] of tried) console.log(`${name.padEnd(14)} ${String(count).padStart(8)} inputs`);
  const total = [...tried.values()].reduce((sum, count) => sum + count, 0);
  const megabytes = (bytes: number) => Math.round(bytes / 2 ** 20);
  console.log(`${'all'.padEnd(14)} ${String(total).padStart(8)} inputs, seed ${options.seed}`);
  console.log(
    `memory of the fuzzer: ${megabytes(before)} MB before, ${megabytes(process.memoryUsage.rss())} MB after`,
  );
  if (daemon !== undefined) {
    const { rssBefore, rssAfter } = await daemon;
    console.log(`memory of the daemon: ${megabytes(rssBefore)} MB before, ${megabytes(rssAfter)} MB after`);
  }
  for (const { reader, finding, times, file } of findings.values()) {
    console.log(`\n${reader}: ${finding} (${times} ×)\n  ${file}`);
  }
  console.log(`\n${findings.size} findings`);
  process.exitCode = findings.size > 0 ? 1 : 0;
}

async function keep(reader: string, finding: string, bytes: Uint8Array, index?: number): Promise<void> {
  const key = `${reader}: ${finding.replace(/\S*deepfake-fuzz-\S+/g, '').replace(/\d+(\.\d+)?|"[^"]*"|\([^)]*\)/g, '#')}`;
  const known = findings.get(key);
  if (known !== undefined) {
    known.times++;
    return;
  }
  const file = resolve(options.out, `${reader}-${options.seed}-${index ?? findings.size}`);
  findings.set(key, { reader, finding, times: 1, file });
  await mkdir(options.out, { recursive: true });
  await writeFile(file, bytes);
  const replaying =
    index === undefined
      ? 'send each line to the daemon as a message'
      : `npm run fuzz -- --reader ${reader} --replay ${basename(file)}`;
  await writeFile(`${file}.txt`, `${finding}\nseed ${options.seed}, input ${index ?? '?'}\n${replaying}\n`);
}

/** Tries the readers of one lane in turn, in a worker that is replaced when it hangs, dies or takes too much memory. */
async function runLane(lane: string[], rssBefore: number, end: number): Promise<void> {
  const next = new Map(lane.map((reader) => [reader, 0]));
  const current = new Int32Array(new SharedArrayBuffer(4));
  const start = () =>
    new Worker(distFile('tools/fuzzWorker.js'), {
      workerData: { current, folder },
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB },
    });
  let worker = start();
  for (let turn = 0; performance.now() < end; turn++) {
    const reader = lane[turn % lane.length];
    const from = next.get(reader)!;
    Atomics.store(current, 0, from);
    const milliseconds = reader in decoders ? DECODER_BATCH_MS : BATCH_MS;
    const batch: Batch = { reader, seed: options.seed, from, milliseconds };
    const corpus = seeds[reader];
    const input = async (index: number) => mutated(await corpus(), options.seed, reader, index);
    const fatal = await runBatch(worker, batch, current, rssBefore, async (finding, index) =>
      keep(reader, finding, await input(index), index),
    );
    if (typeof fatal === 'string') {
      const index = Atomics.load(current, 0);
      await worker.terminate();
      await keep(reader, fatal, await input(index), index);
      next.set(reader, index + 1);
      worker = start();
    } else {
      next.set(reader, fatal);
    }
    tried.set(reader, next.get(reader)!);
  }
  await worker.terminate();
}

/** The index behind the last input tried, or why the worker has to be replaced. */
async function runBatch(
  worker: Worker,
  batch: Batch,
  current: Int32Array,
  rssBefore: number,
  onFinding: (finding: string, index: number) => Promise<void>,
): Promise<number | string> {
  const kept: Promise<void>[] = [];
  let watch: NodeJS.Timeout | undefined;
  const outcome = await new Promise<number | string>((resolve) => {
    let index = batch.from;
    let since = performance.now();
    let computedBefore = process.cpuUsage();
    watch = setInterval(() => {
      const now = Atomics.load(current, 0);
      if (now !== index) {
        [index, since] = [now, performance.now()];
        computedBefore = process.cpuUsage();
      }
      // Of all threads together.
      const { user, system } = process.cpuUsage(computedBefore);
      const computed = (user + system) / 1000 / options.jobs;
      const waited = performance.now() - since;
      if (computed > COMPUTING_LIMIT_MS || waited > WAITING_LIMIT_MS)
        resolve(`hangs: ${Math.round(computed)} ms of computing in ${Math.round(waited)} ms`);
      else if (process.memoryUsage.rss() - rssBefore > MEMORY_LIMIT_BYTES) resolve('takes too much memory');
    }, 50);
    worker.removeAllListeners();
    worker.postMessage(batch);
    worker.on('message', (message: WorkerMessage) => {
      if ('next' in message) resolve(message.next);
      else kept.push(onFinding(message.finding, message.index));
    });
    worker.once('error', (error) => resolve(`ends the thread: ${error.message}`));
    worker.once('exit', (code) => resolve(`ends the thread with ${code}`));
  });
  clearInterval(watch);
  await Promise.all(kept);
  return outcome;
}
