import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { DaemonLostError } from '../../../extension/client/daemonErrors.ts';
import { Findings } from '../../../extension/scan/findings.ts';
import { type ScanDaemon, Scanner, scanRequests } from '../../../extension/scan/scanner.ts';
import type { ScanProgress } from '../../../extension/scan/scanProgress.ts';
import { ErrorCode } from '../../../shared/errors.ts';
import type { ScannedFile, ScanParams, ScanPart } from '../../../shared/protocol.ts';
import { scannedFile } from '../../verdicts.ts';
import { CancellationError, fake, Uri } from '../vscode.ts';

const log = { warn() {}, error() {} };
const uris = (...paths: string[]) => paths.map((path) => Uri.file(path)) as never[];

const answer = (file: string, cached = false): ScannedFile => ({ ...scannedFile(file, 0.1), cached });

type Life = (
  params: ScanParams,
  tell: (part: ScanPart) => void,
  cancelled: Promise<void>,
) => Promise<void> | void;

/** A daemon whose lives go as told, one per request. */
function daemonOf(...lives: Life[]): ScanDaemon & { requests: ScanParams[] } {
  const requests: ScanParams[] = [];
  const scan: ScanDaemon['scan'] = async (params, tell, token) => {
    requests.push(params);
    const cancelled = new Promise<void>((resolve) => token.onCancellationRequested(() => resolve()));
    await lives.shift()?.(params, tell, cancelled);
  };
  return { requests, scan };
}

function scannerOf(daemon: ScanDaemon) {
  const findings = new Findings();
  const scanner = new Scanner(findings, async () => daemon, log);
  const progress: (ScanProgress | undefined)[] = [];
  scanner.onDidChangeProgress((state) => void progress.push(state));
  const files = () => [...findings.all()].map(({ file }) => file).sort();
  return { findings, scanner, progress, files };
}

const part = (results: ScannedFile[], found: number, allFound = true): ScanPart => ({
  results,
  found,
  allFound,
});

beforeEach(() => {
  fake.folders = ['/w', '/v'];
  fake.errors.length = 0;
  fake.settings = new Map<string, unknown>([
    ['deepfake.scan.exclude', ['**/old']],
    ['deepfake.scan.exclude /v', ['tmp']],
    ['deepfake.scan.queue', ''],
  ]);
});

test('each workspace folder is scanned with its own globs, relative to it', () => {
  assert.deepEqual(scanRequests(uris('/w/a', '/v', '/w/b.wav', '/elsewhere')), [
    { paths: ['/w/a', '/w/b.wav'], base: '/w', exclude: ['**/old'] },
    { paths: ['/v'], base: '/v', exclude: ['tmp'] },
    { paths: ['/elsewhere'], base: undefined, exclude: ['**/old'] },
  ]);
});

test('a scan goes to the queue that the settings name, but not one that nobody asked for', async () => {
  fake.settings.set('deepfake.scan.queue', ' redis://host:6379 ');
  const daemon = daemonOf();
  const { scanner } = scannerOf(daemon);
  await scanner.scan(uris('/w'));
  await scanner.scan(uris('/w/new.wav'), { automatic: true });
  assert.deepEqual(
    daemon.requests.map(({ queue }) => queue),
    ['redis://host:6379', undefined],
  );
});

test('a scan whose daemon is killed goes on with the next one and loses nothing', async () => {
  const daemon = daemonOf(
    (_, tell) => {
      tell(part([answer('/w/1.wav'), answer('/w/2.wav')], 4));
      throw new DaemonLostError('gone');
    },
    (_, tell) => {
      tell(part([answer('/w/1.wav', true)], 1, false));
      tell(part([answer('/w/2.wav', true), answer('/w/3.wav')], 4));
      throw new DaemonLostError('gone');
    },
    (_, tell) =>
      tell(
        part(
          ['1', '2', '3', '4'].map((name) => answer(`/w/${name}.wav`, name < '4')),
          4,
        ),
      ),
  );
  const { scanner, files, progress } = scannerOf(daemon);
  assert.equal(await scanner.scan(uris('/w')), 'done');
  assert.deepEqual(files(), ['/w/1.wav', '/w/2.wav', '/w/3.wav', '/w/4.wav']);
  const counts = progress.flatMap((state) => (state === undefined ? [] : [state.done]));
  assert.deepEqual(counts, [...counts].sort(), 'the count never goes back');
  assert.equal(counts.at(-1), 4);
  assert.equal(progress.at(-1), undefined);
});

test('a file that ends every daemon ends the scan with a reason, and what was found stays', async () => {
  const life: Life = (_, tell) => {
    tell(part([answer('/w/1.wav', daemon.requests.length > 1)], 2));
    throw new DaemonLostError('The detector stopped unexpectedly.');
  };
  const daemon = daemonOf(life, life, life, life);
  const { scanner, files } = scannerOf(daemon);
  assert.equal(await scanner.scan(uris('/w')), 'failed');
  assert.equal(daemon.requests.length, 2);
  assert.deepEqual(fake.errors, ['The detector stopped unexpectedly.']);
  assert.deepEqual(files(), ['/w/1.wav']);
});

test('files that are not found again are dropped, but not by a scan that was stopped', async () => {
  let stop = () => {};
  const daemon = daemonOf(
    (_, tell) => tell(part([answer('/w/a/1.wav'), answer('/w/a/2.wav')], 2)),
    async (_, tell, cancelled) => {
      tell(part([answer('/w/a/1.wav', true)], 1));
      stop();
      await cancelled;
      throw new CancellationError();
    },
    (_, tell) => tell(part([answer('/w/a/1.wav', true)], 1)),
  );
  const { scanner, files } = scannerOf(daemon);
  stop = () => scanner.cancel();
  await scanner.scan(uris('/w/a'));
  assert.equal(await scanner.scan(uris('/w/a')), 'cancelled');
  assert.deepEqual(files(), ['/w/a/1.wav', '/w/a/2.wav']);
  await scanner.scan(uris('/w/a'));
  assert.deepEqual(files(), ['/w/a/1.wav']);
});

test('a named file that has gone is no finding any more', async () => {
  const gone = {
    file: '/w/1.wav',
    cached: false,
    error: { code: ErrorCode.FileNotFound, message: 'It is not there.' },
  };
  const daemon = daemonOf(
    (_, tell) => tell(part([answer('/w/1.wav')], 1)),
    (_, tell) => tell(part([gone], 1)),
  );
  const { scanner, files } = scannerOf(daemon);
  await scanner.scan(uris('/w/1.wav'));
  await scanner.scan(uris('/w/1.wav'));
  assert.deepEqual(files(), []);
});

test('scans go one after the other, and stopping ends those that wait too', async () => {
  const daemon = daemonOf(async (_, __, cancelled) => {
    await cancelled;
    throw new CancellationError();
  });
  const { scanner, findings } = scannerOf(daemon);
  const ends = [scanner.scan(uris('/w')), scanner.scan(uris('/v'))];
  await new Promise((resolve) => setImmediate(resolve));
  scanner.cancel();
  assert.deepEqual(await Promise.all(ends), ['cancelled', 'cancelled']);
  assert.equal(daemon.requests.length, 1);
  assert.ok(!scanner.isScanning);
  assert.deepEqual(findings.scanned, []);
});

test('globs and ignore files hold for what nobody asked for by name', async () => {
  const daemon = daemonOf();
  const { scanner, findings } = scannerOf(daemon);
  await scanner.scan(uris('/w/new.wav'), { automatic: true });
  await scanner.scan(uris('/w/asked.wav'));
  assert.deepEqual(
    daemon.requests.map(({ filterNamed }) => filterNamed),
    [true, false],
  );
  assert.deepEqual(findings.scanned, ['/w/asked.wav']);
});
