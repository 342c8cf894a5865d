import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ProgressType } from 'vscode-jsonrpc/node';
import type { WorkDoneProgressReport } from 'vscode-languageserver-protocol';
import { Detector } from '../../daemon/detector.ts';
import { distFile } from '../../daemon/paths.ts';
import { ResultStore } from '../../daemon/scan/resultStore.ts';
import { type ScanOptions, scan } from '../../daemon/scan/scan.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { type ScannedFile, type ScanPart, ScanRequest } from '../../shared/protocol.ts';
import { runCli, startCli } from '../cli/runCli.ts';
import { subfolder, temporaryFolder, writeTestSound, writeUntrainedModel } from '../helpers.ts';
import { DaemonProcess } from '../server/daemonProcess.ts';
import { RedisServer, redisPrograms, withoutRedis } from './redisServer.ts';

/** Seconds: short, so that the jobs of a worker that was killed go on soon. */
const STALLED_AFTER = '2';

const folder = temporaryFolder();
let detector: Detector;
let checkpoint: string;
let places = 0;

before(async () => {
  ({ checkpoint } = await writeUntrainedModel(join(folder, 'model')));
  detector = await Detector.open({ checkpoint, workers: 1 }, assert.fail);
});
after(() => detector.dispose());

/** A new folder with this many short clips, and a place for a store. */
async function clips(count: number): Promise<{ root: string; storePath: string }> {
  const root = subfolder(folder, `clips${places}`);
  for (let i = 0; i < count; i++)
    await writeTestSound(join(root, `clip${i}.wav`), i % 2 ? 'tone' : 'noise', 0.5, 100 * places + i);
  return { root, storePath: join(folder, `store${places++}.mdb`) };
}

/** A worker in a process of its own, which listens when this resolves and ends with the tests. */
async function worker(
  url: string,
  args: string[] = [],
  environment?: NodeJS.ProcessEnv,
): Promise<ChildProcess> {
  const child = startCli(['worker', '--queue', url, '--stalled-after', STALLED_AFTER, ...args], environment);
  after(() => void child.kill('SIGKILL'));
  child.stderr.resume();
  const [said] = await once(child.stdout.setEncoding('utf8'), 'data');
  assert.match(said, /works for redis:/);
  child.stdout.resume();
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

async function scanned(paths: string[], options: Partial<ScanOptions>) {
  const results: ScannedFile[] = [];
  const summary = await scan(detector.classifier, {
    paths,
    onResult: (result) => void results.push(result),
    ...options,
  });
  return { results, summary };
}

async function scannedWith(storePath: string, paths: string[], options: Partial<ScanOptions>) {
  const store = await ResultStore.open(storePath);
  try {
    return await scanned(paths, { ...options, store });
  } finally {
    await store.close();
  }
}

/** Without where an answer came from and when. */
const answers = (results: ScannedFile[]) =>
  new Map(results.map(({ cached: _, contentHash: __, ...answer }) => [answer.file, answer]));
const messageOf = (results: ScannedFile[], name: string) => {
  const result = results.find(({ file }) => basename(file) === name);
  return result && 'error' in result ? result.error.message : undefined;
};

for (const program of redisPrograms) {
  it(`a scan over ${program} gives what a scan on this machine gives, and remembers it`, async () => {
    const { url } = await RedisServer.start(program);
    await worker(url);
    const { root, storePath } = await clips(20);
    writeFileSync(join(root, 'text.wav'), 'Nothing that sounds.'.repeat(100));
    const far = await scannedWith(storePath, [root], { queue: url, ordered: true });
    const near = await scanned([root], { ordered: true });
    assert.deepEqual(answers(far.results), answers(near.results));
    assert.equal(far.summary.analyzed, 21);
    const again = await scannedWith(storePath, [root], { queue: url });
    assert.equal(again.summary.unchanged, 21);
    const local = await scannedWith(storePath, [root], {});
    assert.equal(local.summary.unchanged, 21);
  });
}

describe('a scan with a queue', { skip: withoutRedis }, () => {
  it('loses and doubles nothing when a worker of three is killed and Redis is restarted', async () => {
    const redis = await RedisServer.start();
    const [victim] = await Promise.all([1, 2, 3].map(() => worker(redis.url)));
    const count = 200;
    const { root, storePath } = await clips(count);
    let disturbance: Promise<void> | undefined;
    const warnings: string[] = [];
    let told = 0;
    const { results, summary } = await scannedWith(storePath, [root], {
      queue: redis.url,
      warn: (message) => void warnings.push(message),
      onProgress: () => {
        // Half-way, with jobs in all hands.
        if (++told === count / 4) disturbance = killed(victim).then(() => redis.restart());
      },
    });
    assert.ok(disturbance !== undefined);
    await disturbance;
    assert.equal(results.length, count);
    assert.equal(new Set(results.map(({ file }) => file)).size, count);
    assert.ok(results.every((result) => 'verdict' in result));
    assert.equal(summary.analyzed, count);
    assert.ok(
      warnings.some((text) => text.includes('does not answer')),
      warnings.join('\n'),
    );
    const local = await scannedWith(storePath, [root], {});
    assert.deepEqual([local.summary.unchanged, local.summary.analyzed], [count, 0]);
    assert.deepEqual(answers(local.results), answers(results));
  });

  it('goes on where SIGKILL stopped it, and collects what was answered meanwhile', async () => {
    const { url } = await RedisServer.start();
    const { root, storePath } = await clips(60);
    const args = [root, '--queue', url, '--store', storePath, '--model', checkpoint];
    await worker(url);
    const first = startCli(['scan', ...args]);
    first.stderr.resume();
    await once(first.stdout, 'data');
    first.stdout.resume();
    await killed(first);
    const { code, stdout, stderr } = await runCli(['scan', ...args]);
    assert.equal(code, 0, stderr);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(new Set(lines.map((line) => JSON.parse(line).file)).size, 60);
    assert.equal(lines.length, 60);
    const known = Number(/; (\d+) of them known from before/.exec(stderr)?.[1]);
    assert.ok(known > 0, stderr);
  });

  it('sets a file aside that ends every worker, and answers for the others', async () => {
    const { url } = await RedisServer.start();
    const { root } = await clips(20);
    copyFileSync(join(root, 'clip0.wav'), join(root, 'poison.wav'));
    const hook = join(folder, 'poison.mjs');
    writeFileSync(
      hook,
      `import fs from 'node:fs/promises';
       import { syncBuiltinESMExports } from 'node:module';
       const { open } = fs;
       fs.open = (path, ...rest) => {
         if (String(path).endsWith('poison.wav')) process.kill(process.pid, 'SIGKILL');
         return open(path, ...rest);
       };
       syncBuiltinESMExports();`,
    );
    // Whoever runs workers in earnest has them started again when they end.
    let starts = 0;
    let ended = false;
    const keepRunning = async () => {
      while (!ended) {
        starts++;
        const child = await worker(url, [], { NODE_OPTIONS: `--import=${pathToFileURL(hook)}` });
        await once(child, 'exit');
      }
    };
    void keepRunning();
    const { results, summary } = await scanned([root], { queue: url });
    ended = true;
    assert.deepEqual([summary.files, summary.failed], [21, 1]);
    assert.match(
      messageOf(results, 'poison.wav') ?? '',
      /poison\.wav was given to 3 workers in turn .* set aside/,
    );
    // Once with the others, then three times alone; the last one lives on. A machine that stands still may cost one more.
    assert.ok(starts >= 4 && starts <= 6, `${starts} workers`);
  });

  it('reads what its workers are told to, where they are told it lies', async () => {
    const { url } = await RedisServer.start();
    const { root } = await clips(3);
    const mounted = join(folder, 'mounted here');
    renameSync(root, mounted);
    // The scan sees the names, the worker has the content.
    const names = subfolder(folder, basename(root));
    for (const name of readdirSync(mounted)) writeFileSync(join(names, name), 'elsewhere');
    await writeTestSound(join(folder, 'secret.wav'), 'noise', 0.5, 1);
    await worker(url, ['--map', `${names}=${mounted}`, '--root', mounted]);
    const { results } = await scanned([names, join(folder, 'secret.wav')], { queue: url });
    assert.equal(results.filter((result) => 'verdict' in result).length, 3);
    const message = messageOf(results, 'secret.wav') ?? '';
    assert.match(
      message,
      /secret\.wav is not among what the worker may read: start it with --root so that it may\.$/,
    );
  });

  it('has workers fetch URLs, again only when they have changed, and tries again what may pass', async () => {
    const { url } = await RedisServer.start();
    const { root, storePath } = await clips(2);
    const sound = readFileSync(join(root, 'clip0.wav'));
    let overloaded = 2;
    const asked: string[] = [];
    const server = createServer((request: IncomingMessage, response: ServerResponse) => {
      const path = new URL(request.url ?? '', 'http://host').pathname;
      asked.push(`${path} ${request.headers['if-none-match'] ?? ''}`.trim());
      if (path === '/busy.wav' && overloaded-- > 0) response.writeHead(503).end();
      else if (path === '/gone.wav') response.writeHead(404).end();
      else if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end();
      else response.writeHead(200, { etag: '"1"' }).end(sound);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    after(() => server.close());
    const { port } = server.address() as { port: number };
    const base = `http://127.0.0.1:${port}`;
    await worker(url, ['--urls', base, '--s3', `${base}/objects`]);
    const paths = [
      `${base}/busy.wav`,
      `${base}/gone.wav`,
      `${base}/signed.wav?X-Amz-Signature=secret`,
      's3://bucket/a b.wav',
      'http://127.0.0.1:1/elsewhere.wav',
    ];
    const first = await scannedWith(storePath, paths, { queue: url });
    assert.equal(first.summary.failed, 2);
    assert.match(messageOf(first.results, 'gone.wav') ?? '', /gone\.wav does not exist/);
    assert.match(messageOf(first.results, 'elsewhere.wav') ?? '', /--urls/);
    assert.ok(first.results.some(({ file, ...rest }) => file === `${base}/signed.wav` && 'verdict' in rest));
    assert.ok(asked.includes('/objects/bucket/a%20b.wav'), asked.join('\n'));
    assert.equal(asked.filter((path) => path === '/busy.wav').length, 3);
    asked.length = 0;
    const again = await scannedWith(storePath, paths, { queue: url });
    assert.deepEqual([again.summary.unchanged, again.summary.failed], [3, 2]);
    assert.ok(asked.includes('/signed.wav "1"'), asked.join('\n'));
  });

  it('is told of over JSON-RPC like any other, with the number of workers', async () => {
    const { url } = await RedisServer.start();
    await worker(url);
    const { root } = await clips(12);
    const daemon = await DaemonProcess.start({ checkpoint, workers: 1 });
    try {
      const parts: ScanPart[] = [];
      const messages: string[] = [];
      daemon.connection.onProgress(ScanRequest.partialResult, 'parts', (part) => void parts.push(part));
      daemon.connection.onProgress(new ProgressType<WorkDoneProgressReport>(), 'work', ({ message }) => {
        if (message !== undefined) messages.push(message);
      });
      const { summary } = await daemon.connection.sendRequest(ScanRequest.type, {
        paths: [root],
        queue: url,
        store: false,
        workDoneToken: 'work',
        partialResultToken: 'parts',
      });
      assert.equal(summary.files, 12);
      assert.equal(new Set(parts.flatMap(({ results }) => results.map(({ file }) => file))).size, 12);
      assert.match(messages.at(-1) ?? '', /^\d+ of 12\+? files, 1 worker$/);
      assert.equal(await daemon.stop(), 0);
    } finally {
      daemon.kill();
    }
  });

  it('says that nobody works for it, and ends when it is cancelled', async () => {
    const { url } = await RedisServer.start();
    const { root } = await clips(3);
    const abort = new AbortController();
    const warnings: string[] = [];
    const cancelled = scanned([root], {
      queue: url,
      signal: abort.signal,
      warn: (message) => {
        warnings.push(message);
        abort.abort();
      },
    });
    await assert.rejects(cancelled, (error: { code?: ErrorCode }) => error.code === ErrorCode.Cancelled);
    assert.match(warnings[0], /No worker of this version .* start "deepfake-audio worker --queue …"/);
  });
});

describe('a queue', () => {
  it('that cannot be used is one sentence, which does not tell its password', async () => {
    const { root } = await clips(1);
    for (const [address, message] of [
      [
        'redis://:secret@127.0.0.1:1',
        /The queue at redis:\/\/127\.0\.0\.1:1 cannot be used \(connect ECONNREFUSED/,
      ],
      ['http://127.0.0.1:1', /give one like redis:\/\/HOST:6379/],
    ] as const) {
      for (const args of [['scan', root, '--no-store', '--model', checkpoint], ['worker']]) {
        const { code, stderr } = await runCli([...args, '--queue', address]);
        assert.equal(code, 1);
        assert.match(stderr, message);
        assert.match(stderr, /^error: [^\n]+\n$/);
        assert.doesNotMatch(stderr, /secret/);
      }
    }
  });

  it('costs nothing where there is none: its code is not loaded', async () => {
    const { root } = await clips(1);
    const queueCode = readdirSync(distFile('chunks')).filter((name) =>
      /moveStalledJobsToWait/.test(readFileSync(distFile(`chunks/${name}`), 'utf8')),
    );
    assert.ok(queueCode.length > 0);
    const loads = async (...args: string[]) => {
      const coverage = subfolder(folder, `coverage${places++}`);
      await runCli(['scan', root, '--no-store', '--model', checkpoint, ...args], {
        NODE_V8_COVERAGE: coverage,
      });
      const loaded = readdirSync(coverage).flatMap((name) => {
        const { result } = JSON.parse(readFileSync(join(coverage, name), 'utf8'));
        return (result as { url: string }[]).map(({ url }) => url);
      });
      assert.ok(loaded.includes(pathToFileURL(distFile('cli.js')).href));
      return loaded.filter(
        (url) => url.startsWith('file:') && queueCode.includes(basename(fileURLToPath(url))),
      );
    };
    assert.deepEqual(await loads(), []);
    assert.notDeepEqual(await loads('--queue', 'redis://127.0.0.1:1'), []);
  });
});
