import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ErrorCode } from '../../shared/errors.ts';
import { DaemonProcess } from '../server/daemonProcess.ts';

describe('a request with parameters of the wrong kind', () => {
  let daemon: DaemonProcess;
  before(async () => {
    daemon = await DaemonProcess.start({}, false);
  });
  after(() => daemon.kill());

  for (const [method, ...params] of [
    ['deepfake/classify'],
    ['deepfake/classify', null],
    ['deepfake/classify', [1, 2, 3]],
    ['deepfake/classify', { files: 'clip.wav' }],
    ['deepfake/classify', { files: [null] }],
    ['deepfake/scan', { paths: ['x'], since: 5 }],
    ['deepfake/scanReport', { files: [] }],
    ['deepfake/dataset', {}],
    ['deepfake/evaluate', { dataRoot: 'x' }],
    ['deepfake/train', { dataRoot: 'x', modelDir: 'm', reportsDir: 'r', epochs: '3' }],
    ['deepfake/loadModel', []],
    ['deepfake/importModel', { folder: 'x' }],
    ['deepfake/exportModel', {}],
    ['deepfake/playableAudio', { file: 3 }],
  ] as [string, ...unknown[]][]) {
    it(`is refused with a sentence: ${method} ${JSON.stringify(params[0]) ?? ''}`, async () => {
      await assert.rejects(
        daemon.connection.sendRequest(method, ...params),
        (error: { code: number; message: string }) => {
          assert.equal(ErrorCode[error.code], 'InvalidArguments', error.message);
          assert.match(error.message, new RegExp(`^${method} was asked wrongly: [^\\n]+\\.$`));
          return true;
        },
      );
    });
  }

  it('leaves the daemon able to answer, a superfluous parameter included', async () => {
    const { name } = await daemon.connection.sendRequest<{ name: string }>('deepfake/model', {
      never: 'asked for',
    });
    assert.equal(typeof name, 'string');
  });
});
