import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CancellationTokenSource, ProgressType, type ResponseError } from 'vscode-jsonrpc/node';
import { ErrorCode } from '../../shared/errors.ts';
import { type ScannedFile, type ScanParams, ScanReportRequest, ScanRequest } from '../../shared/protocol.ts';
import { subfolder, temporaryFolder, writeTestSound, writeUntrainedModel } from '../helpers.ts';
import { DaemonProcess } from '../server/daemonProcess.ts';

const REQUEST_CANCELLED = -32800;
const folder = temporaryFolder();
const store = join(folder, 'store.mdb');

describe('deepfake/scan', () => {
  let daemon: DaemonProcess;
  let root = '';
  before(async () => {
    root = subfolder(folder, 'clips');
    for (let i = 0; i < 6; i++) await writeTestSound(join(root, `clip${i}.wav`), 'tone', 0.6, i);
    writeFileSync(join(root, 'text.mp3'), 'Not a sound.'.repeat(100));
    const { checkpoint } = await writeUntrainedModel(join(folder, 'model'));
    daemon = await DaemonProcess.start({ checkpoint, workers: 2 });
  });
  after(() => daemon.kill());

  const request = (params: Partial<ScanParams>) =>
    daemon.connection.sendRequest(ScanRequest.type, { paths: [root], store, ...params });

  it('answers with every file, tagged as fresh and afterwards as cached', async () => {
    const first = await request({ ordered: true });
    assert.deepEqual(
      first.results.map(({ file }) => basename(file)),
      ['clip0.wav', 'clip1.wav', 'clip2.wav', 'clip3.wav', 'clip4.wav', 'clip5.wav', 'text.mp3'],
    );
    assert.ok(first.results.every(({ cached }) => !cached));
    assert.equal(first.summary.failed, 1);
    const second = await request({});
    assert.ok(second.results.every(({ cached }) => cached));
    assert.equal(second.summary.unchanged, 7);
  });

  it('streams results and progress to a client that gives tokens', async () => {
    const streamed: ScannedFile[] = [];
    let foundAtLast = 0;
    const steps: { kind: string }[] = [];
    const subscriptions = [
      daemon.connection.onProgress(ScanRequest.partialResult, 'rows', ({ results, found }) => {
        streamed.push(...results);
        foundAtLast = found;
      }),
      daemon.connection.onProgress(
        new ProgressType<{ kind: string }>(),
        'work',
        (step) => void steps.push(step),
      ),
    ];
    const { results, summary } = await request({
      store: false,
      partialResultToken: 'rows',
      workDoneToken: 'work',
    });
    for (const subscription of subscriptions) subscription.dispose();
    assert.deepEqual(results, []);
    assert.equal(streamed.length, 7);
    assert.equal(foundAtLast, 7);
    assert.equal(new Set(streamed.map(({ file }) => file)).size, 7);
    assert.equal(summary.analyzed, 7);
    assert.equal(steps[0].kind, 'begin');
    assert.equal(steps.at(-1)?.kind, 'end');
    assert.ok(steps.some(({ kind }) => kind === 'report'));
  });

  it('heeds include, exclude and since', async () => {
    const names = async (params: Partial<ScanParams>) =>
      (await request({ ...params, ordered: true })).results.map(({ file }) => basename(file));
    assert.deepEqual(await names({ include: ['clip[01].wav'] }), ['clip0.wav', 'clip1.wav']);
    assert.deepEqual(await names({ exclude: ['clip*'] }), ['text.mp3']);
    assert.deepEqual(await names({ since: '2999-01-01' }), []);
  });

  it('tells of a file that has gone as of one that cannot be read, where that is asked for', async () => {
    const gone = join(root, 'gone.wav');
    const { results } = await request({
      paths: [join(root, 'clip0.wav'), gone],
      allowMissing: true,
      ordered: true,
    });
    const errors = results.map((result) => ('error' in result ? ErrorCode[result.error.code] : 'verdict'));
    assert.deepEqual(errors, ['verdict', 'FileNotFound']);
  });

  it('writes a report from what the store knows', async () => {
    await request({});
    const output = join(folder, 'report.json');
    const files = [join(root, 'clip3.wav'), join(root, 'text.mp3')];
    const summary = await daemon.connection.sendRequest(ScanReportRequest.type, {
      files,
      output,
      paths: [root],
      base: root,
      store,
    });
    assert.equal(summary.unchanged, 2);
    const rows: { file: string; decision?: string; error?: object }[] = JSON.parse(
      readFileSync(output, 'utf8'),
    );
    assert.deepEqual(
      rows.map(({ file }) => file),
      files,
    );
    assert.ok(rows[0].decision !== undefined && rows[1].error !== undefined);
  });

  it('explains what is wrong with a request', async () => {
    const failure = (params: Partial<ScanParams>) =>
      request(params).then(
        () => assert.fail('no error'),
        (error: ResponseError<{ code: ErrorCode }>) => error.data?.code,
      );
    assert.equal(await failure({ paths: [join(folder, 'missing')] }), ErrorCode.FileNotFound);
    assert.equal(await failure({ since: 'soon' }), ErrorCode.InvalidArguments);
    assert.equal(await failure({ store: folder }), ErrorCode.StoreUnusable);
  });

  it('stops when it is cancelled and stays able to answer', async () => {
    const long = subfolder(folder, 'long');
    for (let i = 0; i < 12; i++) await writeTestSound(join(long, `clip${i}.wav`), 'noise', 30, i);
    const source = new CancellationTokenSource();
    const subscription = daemon.connection.onProgress(ScanRequest.partialResult, 'cancel', () =>
      source.cancel(),
    );
    const params = { paths: [long], store, partialResultToken: 'cancel' };
    await assert.rejects(
      daemon.connection.sendRequest(ScanRequest.type, params, source.token),
      (error: ResponseError<unknown>) => error.code === REQUEST_CANCELLED,
    );
    subscription.dispose();
    assert.equal((await request({})).summary.unchanged, 7);
  });
});
