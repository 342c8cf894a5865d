import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { requireDiskSpace } from '../../daemon/dataset/diskSpace.ts';
import { type KaggleOptions, type KaggleProgress, kaggleDataset } from '../../daemon/dataset/kaggle.ts';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import { runCli } from '../cli/runCli.ts';
import { type Answer, file, md5Of, redirect, ScriptedServer, status } from './kaggleServer.ts';
import { zipFile } from './zipFile.ts';

const ENVIRONMENT = [
  'KAGGLE_API_TOKEN',
  'KAGGLE_USERNAME',
  'KAGGLE_KEY',
  'KAGGLE_CONFIG_DIR',
  'KAGGLE_API_ENDPOINT',
  'KAGGLE_KERNEL_RUN_TYPE',
  'KAGGLE_CACHE_MOUNT_FOLDER',
  'KAGGLEHUB_CACHE',
  'DEEPFAKE_AUDIO_DATASETS',
];
const BASIC = `Basic ${Buffer.from('ada:secret').toString('base64')}`;
const DATASET = 'mohammedabdeldayem/the-fake-or-real-dataset';

// Large enough that what is lost in buffers when a connection ends does not matter.
const sound = randomBytes(4_000_000);
const archive = zipFile([
  { name: 'for-norm/for-norm/training/real/a.wav', content: sound },
  { name: 'for-norm/for-norm/training/fake/b.wav', content: 'b' },
]);

let cacheFolder: string;
let kaggle: ScriptedServer;
let storage: ScriptedServer;
let saved: Record<string, string | undefined>;

beforeEach(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), 'kaggle-'));
  saved = Object.fromEntries(ENVIRONMENT.map((name) => [name, process.env[name]]));
  for (const name of ENVIRONMENT) delete process.env[name];
  process.env.KAGGLE_USERNAME = 'ada';
  process.env.KAGGLE_KEY = 'secret';
  process.env.KAGGLE_CACHE_MOUNT_FOLDER = join(cacheFolder, 'no mount');
  process.env.KAGGLEHUB_CACHE = join(cacheFolder, 'no kagglehub');
  kaggle = new ScriptedServer();
  storage = new ScriptedServer();
});
afterEach(async () => {
  await kaggle.stop();
  await storage.stop();
  for (const name of ENVIRONMENT) {
    if (saved[name] === undefined) delete process.env[name];
    else process.env[name] = saved[name];
  }
  await rm(cacheFolder, { recursive: true, force: true });
});

const folder = () => join(cacheFolder, 'kaggle', ...DATASET.split('/'));
const held = async () => (await readdir(folder())).sort();

async function fetchFrom(answers: Answer[], options: KaggleOptions = {}): Promise<string> {
  await kaggle.start(...answers);
  process.env.KAGGLE_API_ENDPOINT = kaggle.origin;
  return kaggleDataset({ cacheFolder, retryDelays: [0, 0, 0], ...options });
}

/** Another run of the program against the same servers. */
const again = (options: KaggleOptions = {}) =>
  kaggleDataset({ cacheFolder, retryDelays: [0, 0, 0], ...options });

async function assertComplete(files: string): Promise<void> {
  assert.deepEqual(await readFile(join(files, 'for-norm/for-norm/training/real/a.wav')), sound);
  assert.equal(await readFile(join(files, 'for-norm/for-norm/training/fake/b.wav'), 'utf8'), 'b');
  assert.deepEqual(await held(), ['unpacked']);
}

const rejection = (code: ErrorCode, pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DeepfakeError, `expected a DeepfakeError, got ${error}`);
  assert.equal(ErrorCode[error.code], ErrorCode[code]);
  assert.match(error.message, pattern);
  assert.ok(!error.message.includes('\n') && !error.message.includes('secret'), error.message);
  return true;
};

describe('the download from Kaggle', () => {
  it("asks Kaggle's public API once and keeps the unpacked files", async () => {
    const progress: KaggleProgress[] = [];
    const files = await fetchFrom([file(archive)], { onProgress: (event) => progress.push(event) });
    await assertComplete(files);
    assert.deepEqual(kaggle.seen, [
      { path: `/api/v1/datasets/download/${DATASET}`, range: undefined, authorization: BASIC },
    ]);
    for (const stage of ['downloading', 'unpacking']) {
      const last = progress.findLast((event) => event.stage === stage);
      assert.equal(last?.done, last?.total, stage);
    }
    assert.equal(await again(), files);
    assert.equal(kaggle.seen.length, 1);
  });

  it('is not made where kagglehub has the data set already: its newest complete version', async () => {
    process.env.KAGGLEHUB_CACHE = join(cacheFolder, 'kagglehub');
    const copies = join(cacheFolder, 'kagglehub/datasets', DATASET);
    for (const version of ['2', '9', '10'])
      await mkdir(join(copies, 'versions', version), { recursive: true });
    for (const version of ['2', '9', '11']) await writeFile(join(copies, `${version}.complete`), '');
    assert.equal(await again(), join(copies, 'versions/9'));
  });

  it('goes where the environment says', async () => {
    process.env.DEEPFAKE_AUDIO_DATASETS = join(cacheFolder, 'elsewhere');
    const files = await fetchFrom([file(archive)], { cacheFolder: undefined });
    assert.ok(files.startsWith(join(cacheFolder, 'elsewhere', 'kaggle')));
  });

  it('follows redirects to another host without handing it the token', async () => {
    await storage.start(file(archive));
    await assertComplete(await fetchFrom([redirect(`${storage.origin}/archive.zip?signature=x`)]));
    assert.deepEqual(
      storage.seen.map(({ authorization }) => authorization),
      [undefined],
    );
    assert.equal(kaggle.seen[0].authorization, BASIC);
  });

  it('keeps the token where a redirect stays on the host, and gives up on circles', async () => {
    await assertComplete(await fetchFrom([redirect('/elsewhere'), file(archive)]));
    assert.deepEqual(
      kaggle.seen.map(({ path, authorization }) => [path, authorization]),
      [
        [`/api/v1/datasets/download/${DATASET}`, BASIC],
        ['/elsewhere', BASIC],
      ],
    );
    await rm(folder(), { recursive: true });
    await kaggle.stop();
    await assert.rejects(
      fetchFrom([redirect('/round')]),
      rejection(ErrorCode.DownloadFailed, /redirects in circles/),
    );
  });

  it('goes on where the connection broke off, with a fresh link each time', async () => {
    await storage.start(
      file(archive, { breakAt: 1_000_000 }),
      file(archive, { breakAt: 1_000_001 }),
      file(archive, { breakAt: 2_000_000 }),
      status(403),
      status(503, { 'retry-after': '0' }),
      file(archive, { breakAt: 3_000_000 }),
      file(archive),
    );
    await assertComplete(await fetchFrom([redirect(`${storage.origin}/x`)], { retryDelays: [0, 0, 0] }));
    const ranges = storage.seen.map(({ range }) => Number(/\d+/.exec(range ?? '0')));
    assert.equal(ranges.length, 7);
    assert.ok(ranges.every((from, i) => i === 0 || from >= ranges[i - 1]));
    assert.ok(ranges[1] > 0 && ranges[6] > ranges[3] && ranges[3] > ranges[1], String(ranges));
    assert.equal(kaggle.seen.length, 7);
  });

  it('goes on in another run after it was given up', async () => {
    await assert.rejects(
      fetchFrom([file(archive, { breakAt: 1_500_000 })], { retryDelays: [] }),
      rejection(ErrorCode.DownloadFailed, /1 attempts .*kept/),
    );
    assert.deepEqual(await held(), ['archive.zip.part', 'archive.zip.part.json']);
    const { size } = await stat(join(folder(), 'archive.zip.part'));
    await kaggle.stop();
    kaggle = new ScriptedServer();
    await assertComplete(await fetchFrom([file(archive)]));
    assert.equal(kaggle.seen[0].range, `bytes=${size}-`);
  });

  it('starts over where the server ignores ranges', async () => {
    await assertComplete(
      await fetchFrom([file(archive, { breakAt: 1_500_000 }), file(archive, { ignoreRange: true })]),
    );
    assert.match(kaggle.seen[1].range ?? '', /^bytes=\d+-$/);
  });

  it('ends where a server ignores ranges and breaks off at the same place again and again', async () => {
    await assert.rejects(
      fetchFrom([file(archive, { breakAt: 1_500_000, ignoreRange: true })]),
      rejection(ErrorCode.DownloadFailed, /in 4 attempts/),
    );
  });

  it('starts over where the file on the server has become another', async () => {
    const older = zipFile([{ name: 'old.wav', content: randomBytes(archive.length) }]);
    await assertComplete(await fetchFrom([file(older, { breakAt: 2_000_000 }), file(archive)]));
    assert.equal(kaggle.seen.length, 3);
    assert.equal(kaggle.seen[2].range, undefined);
  });

  it('starts over where what is there is longer than the file', async () => {
    await mkdir(folder(), { recursive: true });
    await writeFile(join(folder(), 'archive.zip.part'), Buffer.alloc(archive.length + 5));
    await writeFile(join(folder(), 'archive.zip.part.json'), JSON.stringify({ size: archive.length + 10 }));
    await assertComplete(await fetchFrom([file(archive)]));
  });

  it('gives up where the length announced is never reached', async () => {
    const headers = { 'content-length': String(archive.length + 10) };
    const short: Answer = (request, response) => {
      file(archive, { headers, ignoreRange: true })(request, response);
      response.socket?.destroySoon();
    };
    await assert.rejects(fetchFrom([short]), rejection(ErrorCode.DownloadFailed, /in 4 attempts/));
  });

  it('does not take a shortened file for the whole one', async () => {
    const headers = { 'content-length': String(archive.length - 10) };
    const cut: Answer = (request, response) => {
      file(archive.subarray(0, -10), { headers: { 'x-goog-hash': `md5=${md5Of(archive)}` } })(
        request,
        response,
      );
    };
    await assert.rejects(fetchFrom([cut]), rejection(ErrorCode.DownloadFailed, /checksum/));
    await kaggle.stop();
    kaggle = new ScriptedServer();
    const overlong = file(archive, { headers: { ...headers, 'x-goog-hash': '' } });
    await assert.rejects(fetchFrom([overlong]));
    assert.ok(!(await held()).includes('unpacked'));
  });

  /** Sends something else than the missing bytes that it claims to send, without announcing a length. */
  const lying =
    (body: (have: number) => Buffer): Answer =>
    (request, response) => {
      const have = Number(/\d+/.exec(request.headers.range ?? '0'));
      response.writeHead(206, { 'content-range': `bytes ${have}-${archive.length - 1}/${archive.length}` });
      response.end(body(have));
    };

  it('starts over where a server repeats bytes that are there already', async () => {
    const repeating: Answer = (request, response) => {
      const missing = archive.length - Number(/\d+/.exec(request.headers.range ?? '0'));
      response.writeHead(206, { 'content-range': `bytes 0-${missing - 1}/${archive.length}` });
      response.end(archive.subarray(0, missing));
    };
    await assertComplete(await fetchFrom([file(archive, { breakAt: 1_500_000 }), repeating, file(archive)]));
    assert.equal(kaggle.seen[2].range, undefined);
  });

  it('starts over where more comes than is missing, and goes on where less does', async () => {
    const more = lying((have) => Buffer.concat([archive.subarray(have), Buffer.alloc(10)]));
    const less = lying((have) => archive.subarray(have, have + 1000));
    await assertComplete(await fetchFrom([file(archive, { breakAt: 1_500_000 }), less, more, file(archive)]));
    const ranges = kaggle.seen.map(({ range }) => Number(/\d+/.exec(range ?? '0')));
    assert.equal(ranges.length, 4);
    assert.ok(ranges[1] > 0);
    assert.equal(ranges[2], ranges[1] + 1000);
    assert.equal(ranges[3], 0);
  });

  it('is not led to an address of another kind', async () => {
    for (const address of ['ftp://127.0.0.1/x', 'file:///etc/passwd']) {
      await assert.rejects(
        fetchFrom([redirect(address)]),
        rejection(ErrorCode.DownloadFailed, /sends on to an address that is not encrypted/),
      );
      assert.equal(kaggle.seen.length, 1);
      await kaggle.stop();
      kaggle = new ScriptedServer();
    }
  });

  it('deletes what does not have the announced checksum', async () => {
    const headers = { 'x-goog-hash': `md5=${Buffer.alloc(16).toString('base64')}` };
    await assert.rejects(
      fetchFrom([file(archive, { headers })]),
      rejection(ErrorCode.DownloadFailed, /checksum/),
    );
    assert.deepEqual(await held(), []);
  });

  it('gives up a connection on which nothing comes', async () => {
    // No option of the data set shortens the time limit, so the downloader itself is asked.
    const { download } = await import('../../daemon/dataset/resumableDownload.ts');
    await kaggle.start((_, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('12345');
    });
    await assert.rejects(
      download({
        url: new URL(kaggle.origin),
        authorization: BASIC,
        file: join(cacheFolder, 'x'),
        refusal: () => undefined,
        retryDelays: [],
        stallTimeout: 50,
      }),
      rejection(ErrorCode.DownloadFailed, /nothing came for 0.05 seconds/),
    );
  });

  it('keeps what it has when it is cancelled, and goes on from there', async () => {
    const abort = new AbortController();
    // The first half comes; the rest would never do.
    const half: Answer = (_, response) => {
      response.writeHead(200, { 'content-length': archive.length, etag: '"1"' });
      response.write(archive.subarray(0, 1_500_000));
    };
    const onProgress = ({ done }: KaggleProgress) => {
      if (done === 1_500_000) abort.abort();
    };
    await assert.rejects(
      fetchFrom([half, file(archive, { headers: { etag: '"1"' } })], { onProgress, signal: abort.signal }),
      rejection(ErrorCode.Cancelled, /goes on from there/),
    );
    assert.equal((await stat(join(folder(), 'archive.zip.part'))).size, 1_500_000);
    await assertComplete(await again());
    assert.equal(kaggle.seen[1].range, 'bytes=1500000-');
  });

  it('keeps the archive when unpacking is cancelled, and leaves nothing half unpacked', async () => {
    const abort = new AbortController();
    const onProgress = ({ stage }: KaggleProgress) => {
      if (stage === 'unpacking') abort.abort();
    };
    await assert.rejects(
      fetchFrom([file(archive)], { onProgress, signal: abort.signal }),
      rejection(ErrorCode.Cancelled, /cancelled/),
    );
    assert.deepEqual(await held(), ['archive.zip']);
    await mkdir(join(folder(), 'unpacking-1/files'), { recursive: true });
    await assertComplete(await again());
    assert.equal(kaggle.seen.length, 1);
  });

  it('writes nothing of a hostile archive and deletes it', async () => {
    const hostile = zipFile([{ name: 'good.wav' }, { name: '../../../../../../outside.wav', content: 'x' }]);
    await assert.rejects(
      fetchFrom([file(hostile)]),
      rejection(ErrorCode.ArchiveInvalid, /relative path.*deleted/),
    );
    assert.deepEqual(await held(), []);
    assert.deepEqual(await readdir(cacheFolder), ['kaggle']);
  });

  it('is refused by Kaggle in words that say what to do', async () => {
    const answers: [number, ErrorCode, RegExp][] = [
      [401, ErrorCode.DownloadRefused, /does not know the token.*settings\/api/],
      [403, ErrorCode.DownloadRefused, /accept what it asks for/],
      [404, ErrorCode.DatasetNotFound, /no data set/],
      [418, ErrorCode.DownloadFailed, /answered 418/],
    ];
    for (const [code, error, pattern] of answers) {
      await assert.rejects(fetchFrom([status(code)]), rejection(error, pattern));
      assert.equal(kaggle.seen.length, 1, `${code} was asked for again`);
      await kaggle.stop();
      kaggle = new ScriptedServer();
    }
    await assert.rejects(
      fetchFrom([(_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<form>')]),
      rejection(ErrorCode.DownloadRefused, /token/),
    );
  });

  it('tries again where Kaggle is busy, and says so', async () => {
    const told: [string, number][] = [];
    await assertComplete(
      await fetchFrom([status(429, { 'retry-after': '0' }), status(502), file(archive)], {
        onRetry: (reason, seconds) => told.push([reason.replace(/^[^ ]+/, 'HOST'), seconds]),
      }),
    );
    assert.equal(kaggle.seen.length, 3);
    assert.deepEqual(told, [
      ['HOST answered 429', 0],
      ['HOST answered 502', 0],
    ]);
  });

  it('says so where the disk is full', async (t) => {
    await assert.rejects(
      requireDiskSpace(cacheFolder, 1e18, 'the data set'),
      rejection(ErrorCode.WriteFailed, /GB free and the data set needs 1000000000\.00 GB/),
    );
    if ((await stat('/dev/full').catch(() => undefined)) === undefined) {
      t.skip('there is no /dev/full here');
      return;
    }
    await mkdir(folder(), { recursive: true });
    await symlink('/dev/full', join(folder(), 'archive.zip.part'));
    await assert.rejects(
      fetchFrom([file(archive)]),
      rejection(ErrorCode.WriteFailed, /disk is full.*Make room/),
    );
  });

  it('is left to one process at a time, and a killed one does not stand in the way', async () => {
    await mkdir(folder(), { recursive: true });
    await writeFile(join(folder(), 'lock'), String(process.ppid));
    await assert.rejects(
      fetchFrom([file(archive)]),
      rejection(ErrorCode.WriteFailed, /Process \d+ is downloading/),
    );
    await writeFile(join(folder(), 'lock'), '999999999');
    await assertComplete(await again());
  });
});

describe("the token for Kaggle's API", () => {
  const sent = async (): Promise<string | undefined> => {
    await assert.rejects(fetchFrom([status(404)]));
    const [{ authorization }] = kaggle.seen;
    await kaggle.stop();
    kaggle = new ScriptedServer();
    return authorization;
  };

  it('comes from the environment or from the files that Kaggle names', async () => {
    process.env.KAGGLE_CONFIG_DIR = cacheFolder;
    await writeFile(join(cacheFolder, 'kaggle.json'), JSON.stringify({ username: 'bob', key: 'file' }));
    assert.equal(await sent(), BASIC);
    delete process.env.KAGGLE_KEY;
    assert.equal(await sent(), `Basic ${Buffer.from('bob:file').toString('base64')}`);
    await writeFile(join(cacheFolder, 'access_token'), 'KGAT_file\n');
    assert.equal(await sent(), 'Bearer KGAT_file');
    process.env.KAGGLE_API_TOKEN = 'KGAT_environment';
    assert.equal(await sent(), 'Bearer KGAT_environment');
  });

  it('is asked for where there is none, before anything is sent', async () => {
    delete process.env.KAGGLE_KEY;
    process.env.KAGGLE_CONFIG_DIR = cacheFolder;
    await assert.rejects(
      fetchFrom([file(archive)]),
      rejection(ErrorCode.DownloadRefused, /no Kaggle token.*kaggle\.com\/settings.*kaggle\.json/),
    );
    for (const content of ['not json', '{"username": "ada"}', '[]', 'null']) {
      await writeFile(join(cacheFolder, 'kaggle.json'), content);
      await assert.rejects(
        again(),
        rejection(ErrorCode.DownloadRefused, /kaggle\.json is not a Kaggle token/),
      );
    }
    assert.equal(kaggle.seen.length, 0);
  });

  it('is not sent in the clear', async () => {
    for (const endpoint of [
      'http://www.kaggle.com',
      'http://localhost.example.org',
      'ftp://127.0.0.1',
      'nonsense',
    ]) {
      process.env.KAGGLE_API_ENDPOINT = endpoint;
      await assert.rejects(again(), rejection(ErrorCode.InvalidArguments, /KAGGLE_API_ENDPOINT.*https/));
    }
  });
});

describe('inside a Kaggle notebook', () => {
  let mount: string;
  beforeEach(async () => {
    mount = join(cacheFolder, 'input');
    process.env.KAGGLE_CACHE_MOUNT_FOLDER = mount;
    await mkdir(mount);
  });

  it('the attached data set is used where it lies, without a download', async () => {
    await mkdir(join(mount, 'datasets', DATASET), { recursive: true });
    assert.equal(await again(), join(mount, 'datasets', DATASET));
    await mkdir(join(mount, 'the-fake-or-real-dataset'));
    assert.equal(await again(), join(mount, 'the-fake-or-real-dataset'));
  });

  it('another data set with the same folders is taken for it', async () => {
    await mkdir(join(mount, 'other/images'), { recursive: true });
    await mkdir(join(mount, 'my-copy/versions/for-norm/training'), { recursive: true });
    assert.equal(await again(), join(mount, 'my-copy/versions'));
  });

  it('a missing data set is asked for, whether or not anything is attached', async () => {
    await mkdir(join(mount, 'other/images'), { recursive: true });
    await assert.rejects(again(), rejection(ErrorCode.DatasetNotFound, /Add Input/));
    process.env.KAGGLE_KERNEL_RUN_TYPE = 'Batch';
    process.env.KAGGLE_CACHE_MOUNT_FOLDER = join(cacheFolder, 'nowhere');
    await assert.rejects(again(), rejection(ErrorCode.DatasetNotFound, /Add Input/));
  });
});

describe('--use-kagglehub', () => {
  it('excludes --data-root, and is needed for anything to be fetched', async () => {
    for (const command of ['train', 'evaluate']) {
      const both = await runCli([command, '--use-kagglehub', '--data-root', cacheFolder]);
      assert.match(both.stderr, /'--use-kagglehub' cannot be used with option '--data-root/);
      assert.equal(both.code, 1);
    }
    await kaggle.start(file(archive));
    const environment = { KAGGLE_API_ENDPOINT: kaggle.origin, XDG_CACHE_HOME: cacheFolder };
    const without = await runCli(['evaluate'], environment);
    assert.match(without.stderr, /No data set was named/);
    assert.equal(kaggle.seen.length, 0);
  });
});
