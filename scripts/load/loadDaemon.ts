import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { CancellationTokenSource, type MessageConnection } from 'vscode-jsonrpc/node';
import { distFile } from '../../daemon/paths.ts';
import { seededRandom } from '../../daemon/random.ts';
import { ClassifyRequest, ReadyNotification } from '../../shared/protocol.ts';
import { daemonConnection } from './daemonConnection.ts';

export interface Load {
  /** Clips that are asked for in turn, one in each request. */
  files: string[];
  requests: number;
  /** Requests that wait for an answer at any time. */
  concurrent: number;
  /** Share of the requests that are cancelled at a random time. */
  cancelled: number;
  seed: number;
  environment?: NodeJS.ProcessEnv;
  /** What the daemon is told when it starts. */
  options?: object;
  onProgress?(done: number): void;
}

export interface LoadResult {
  verdicts: number;
  /** Cancelled before they were answered. */
  cancelled: number;
  /** Other errors, by their message. */
  errors: Map<string, number>;
  /** Milliseconds from request to answer, ascending; of what was not cancelled. */
  latencies: number[];
  /** Milliseconds from taking a request back to its answer, ascending. */
  cancellationLatencies: number[];
  /** By how many later requests a verdict was overtaken, at most. */
  latest: number;
  seconds: number;
  /** Resident bytes of the daemon: once each file has been asked for, after half and after all requests. */
  rss: number[];
}

const LATEST_CANCELLATION_MS = 2000;
/** LSP's code for a request that was cancelled. */
const REQUEST_CANCELLED = -32800;

/** Asks a daemon of its own for many verdicts at once, and takes some requests back. Throws where the daemon ends. */
export async function loadDaemon(load: Load): Promise<LoadResult> {
  const { child, connection } = await startDaemon(load);
  const askAll = async () => {
    for (const file of load.files) await connection.sendRequest(ClassifyRequest.type, { files: [file] });
    return ask(child, connection, load);
  };
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`The daemon has ended (${signal ?? code}).`);
  });
  try {
    return await Promise.race([askAll(), ended]);
  } finally {
    ended.catch(() => {});
    connection.dispose();
    child.kill('SIGKILL');
  }
}

async function ask(child: ChildProcess, connection: MessageConnection, load: Load): Promise<LoadResult> {
  const random = seededRandom(load.seed);
  const result: LoadResult = {
    verdicts: 0,
    cancelled: 0,
    errors: new Map(),
    latencies: [],
    cancellationLatencies: [],
    latest: 0,
    seconds: 0,
    rss: [residentBytes(child)],
  };
  const began = performance.now();
  let sent = 0;
  let answered = 0;
  /** Places of the requests in the order of their verdicts. */
  const order: number[] = [];
  const askOnce = async () => {
    const place = sent++;
    const source = new CancellationTokenSource();
    const since = performance.now();
    const file = load.files[place % load.files.length];
    let takenBack: number | undefined;
    const cancel = () => {
      takenBack = performance.now();
      source.cancel();
    };
    const answer = connection.sendRequest(ClassifyRequest.type, { files: [file] }, source.token);
    if (uniformInt(random, 0, 999) < 1000 * load.cancelled)
      setTimeout(cancel, uniformInt(random, 0, LATEST_CANCELLATION_MS));
    try {
      const { results } = await answer;
      if ('error' in results[0]) note(result.errors, results[0].error.message);
      else result.verdicts++;
      result.latencies.push(performance.now() - since);
      order.push(place);
    } catch (error) {
      const { code, message } = error as { code: number; message: string };
      if (code === REQUEST_CANCELLED && takenBack !== undefined) {
        result.cancelled++;
        result.cancellationLatencies.push(performance.now() - takenBack);
      } else note(result.errors, message);
    }
    answered++;
    if (answered === Math.floor(load.requests / 2)) result.rss.push(residentBytes(child));
    load.onProgress?.(answered);
  };
  const lane = async () => {
    while (sent < load.requests) await askOnce();
  };
  await Promise.all(Array.from({ length: Math.min(load.concurrent, load.requests) }, lane));
  result.seconds = (performance.now() - began) / 1000;
  result.rss.push(residentBytes(child));
  result.latest = mostOvertaken(order);
  result.latencies.sort((a, b) => a - b);
  result.cancellationLatencies.sort((a, b) => a - b);
  return result;
}

/** How many larger numbers stand before a number, at most. */
const mostOvertaken = (order: number[]): number =>
  order.reduce(
    (most, place, i) => Math.max(most, order.slice(0, i).filter((earlier) => earlier > place).length),
    0,
  );

const note = (errors: Map<string, number>, message: string) =>
  errors.set(message, (errors.get(message) ?? 0) + 1);

async function startDaemon({ environment, options }: Load) {
  const child = spawn(process.execPath, [distFile('daemon.js'), '--stdio'], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const connection = daemonConnection(child);
  const ready = new Promise<void>((resolve, reject) => {
    connection.onNotification(ReadyNotification.type, resolve);
    void once(child, 'exit').then(() => reject(new Error('The daemon has ended.')));
  });
  connection.listen();
  await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: null,
    capabilities: {},
    initializationOptions: options,
  });
  await connection.sendNotification('initialized', {});
  await ready;
  return { child, connection };
}

/** 0 where the system does not tell. */
function residentBytes({ pid }: ChildProcess): number {
  const path = `/proc/${pid}/status`;
  const kilobytes = existsSync(path) ? /VmRSS:\s+(\d+)/.exec(readFileSync(path, 'utf8'))?.[1] : undefined;
  return 1024 * Number(kilobytes ?? 0);
}

/** The value below which this share of ascending values lies. */
export const percentile = (values: number[], share: number): number =>
  values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? 0;
