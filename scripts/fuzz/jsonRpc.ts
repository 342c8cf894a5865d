import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { distFile } from '../../daemon/paths.ts';
import { wavFile } from '../../test/audio/wavFile.ts';
import { mutated } from './mutate.ts';
import { isSentence } from './readers.ts';
import { seeds } from './seeds.ts';

/** A request that is not answered for so long never is. */
const ANSWER_LIMIT_MS = 60_000;
const GROUP = 40;

interface Message {
  id?: unknown;
  result?: unknown;
  error?: { code: number; message: string };
}

export interface DaemonFuzzing {
  folder: string;
  seed: number;
  /** On the clock of `performance`. */
  end: number;
  onTried(count: number): void;
  onFinding(finding: string, messages: Uint8Array): Promise<void>;
}

/** Damaged messages, rightly framed, to a daemon over its standard input; every request has to be answered. Resident bytes. */
export async function fuzzDaemon(options: DaemonFuzzing): Promise<{ rssBefore: number; rssAfter: number }> {
  const { folder, seed, end } = options;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'clip.wav'), wavFile({ data: new Uint8Array(3200).fill(7) }));
  const corpus = await seeds.jsonRpc();
  let daemon = await RawDaemon.start(folder);
  let rssBefore = 0;
  let rssAfter = 0;
  let index = 0;
  while (performance.now() < end) {
    const sent: Buffer[] = [];
    const answers: Promise<string | undefined>[] = [];
    for (let i = 0; i < GROUP; i++, index++) {
      const body = Buffer.from(
        Buffer.from(mutated(corpus, seed, 'jsonRpc', index))
          .toString('latin1')
          .replace('"id":1,', `"id":${index},`),
        'latin1',
      );
      sent.push(body);
      if (isRequest(body, index)) answers.push(daemon.answer(index).then(faultOfAnswer));
      daemon.send(body);
    }
    const probe = `probe ${index}`;
    answers.push(daemon.answer(probe).then(() => undefined));
    daemon.send(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: probe, method: 'deepfake/model' })));
    const messages = Buffer.concat(sent.flatMap((body) => [body, Buffer.from('\n')]));
    try {
      const results = await Promise.all(answers);
      for (const finding of results) if (finding !== undefined) await options.onFinding(finding, messages);
      rssAfter = daemon.rss();
      if (rssBefore === 0) rssBefore = rssAfter;
    } catch (error) {
      await options.onFinding((error as Error).message, messages);
      await daemon.kill();
      daemon = await RawDaemon.start(folder);
    }
    options.onTried(index);
  }
  await daemon.kill();
  return { rssBefore, rssAfter };
}

/** Whether JSON-RPC 2.0 demands an answer with this id. */
function isRequest(body: Buffer, id: number): boolean {
  try {
    const message = JSON.parse(body.toString());
    return message.id === id && message.jsonrpc === '2.0' && typeof message.method === 'string';
  } catch {
    return false;
  }
}

function faultOfAnswer({ error }: Message): string | undefined {
  if (error === undefined || isSentence(error.message)) return undefined;
  // JSON-RPC's own errors (method not found, invalid request, invalid parameters) are for programmers.
  return error.code <= -32600 && error.code >= -32602
    ? undefined
    : `answers with ${error.code}: ${error.message}`;
}

/** A daemon and nothing between it and the bytes. */
class RawDaemon {
  private received = Buffer.alloc(0);
  private readonly waiting = new Map<unknown, (message: Message) => void>();
  private log = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly exit: Promise<unknown>,
  ) {}

  static async start(folder: string): Promise<RawDaemon> {
    const child = spawn(process.execPath, [distFile('daemon.js'), '--stdio'], {
      cwd: folder,
      env: { ...process.env, XDG_CACHE_HOME: folder, DATASET_ROOT: '' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const daemon = new RawDaemon(child, once(child, 'exit'));
    child.stdout!.on('data', (chunk) => daemon.receive(chunk));
    child.stderr!.on('data', (chunk) => {
      daemon.log = (daemon.log + chunk).slice(-2000);
    });
    child.stdin!.on('error', () => {});
    const params = { processId: process.pid, rootUri: null, capabilities: {} };
    const answer = daemon.answer('start');
    daemon.send(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 'start', method: 'initialize', params })));
    await answer;
    daemon.send(Buffer.from('{"jsonrpc":"2.0","method":"initialized","params":{}}'));
    return daemon;
  }

  send(body: Buffer): void {
    this.child.stdin!.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.child.stdin!.write(body);
  }

  /** Rejects when the daemon ends or stays silent. */
  answer(id: unknown): Promise<Message> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('does not answer a request')), ANSWER_LIMIT_MS);
      this.waiting.set(id, (message) => {
        clearTimeout(timer);
        resolve(message);
      });
      void this.exit.then(() => {
        clearTimeout(timer);
        reject(new Error(`ends the daemon: ${this.log.trim()}`));
      });
    });
  }

  /** Resident bytes; 0 where the system does not tell. */
  rss(): number {
    const path = `/proc/${this.child.pid}/status`;
    const kilobytes = existsSync(path) ? /VmRSS:\s+(\d+)/.exec(readFileSync(path, 'utf8'))?.[1] : undefined;
    return 1024 * Number(kilobytes ?? 0);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exit;
  }

  private receive(chunk: Buffer): void {
    this.received = Buffer.concat([this.received, chunk]);
    for (;;) {
      const headerEnd = this.received.indexOf('\r\n\r\n');
      const length = Number(
        /Content-Length: (\d+)/i.exec(this.received.toString('latin1', 0, headerEnd))?.[1],
      );
      if (headerEnd < 0 || this.received.length < headerEnd + 4 + length) return;
      const body = this.received.subarray(headerEnd + 4, headerEnd + 4 + length);
      this.received = this.received.subarray(headerEnd + 4 + length);
      const message = JSON.parse(body.toString()) as Message & { method?: string };
      if (message.method !== undefined) continue;
      this.waiting.get(message.id)?.(message);
      this.waiting.delete(message.id);
    }
  }
}
