import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CancellationTokenSource, ProgressType, type ResponseError } from 'vscode-jsonrpc/node';
import { ErrorCode } from '../../shared/errors.ts';
import { type ScannedFile, type ScanParams, ScanRequest } from '../../shared/protocol.ts';
import { subfolder, temporaryFolder, testSound, writeSound, writeUntrainedModel } from '../helpers.ts';
import { DaemonProcess } from '../server/daemonProcess.ts';

const REQUEST_CANCELLED = -32800;
const folder = temporaryFolder();
const store = join(folder, 'store.mdb');

describe('deepfake/scan', () => {
  let daemon: DaemonProcess;
  let root = '';
  before(async () => {
    root = subfolder(folder, 'clips');
    for (let i = 0; i < 6; i++) await writeSound(join(root, `clip${i}.wav`), testSound('tone', 0.6, i));
    writeFileSync(join(root, 'text.mp3'), 'Not a sound.'.repeat(100));
    const { checkpoint } = await writeUntrainedModel(subfolder(folder, 'model'));
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
    const steps: { kind: string }[] = [];
    const subscriptions = [
      daemon.connection.onProgress(ScanRequest.partialResult, 'rows', (rows) => void streamed.push(...rows)),
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
    for (let i = 0; i < 12; i++) await writeSound(join(long, `clip${i}.wav`), testSound('noise', 30, i));
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
