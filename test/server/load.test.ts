import assert from 'node:assert/strict';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { loadDaemon } from '../../scripts/load/loadDaemon.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { ClassifyRequest } from '../../shared/protocol.ts';
import { wavFile } from '../audio/wavFile.ts';
import { subfolder, temporaryFolder, writeTestSound, writeUntrainedModel } from '../helpers.ts';
import { DaemonProcess } from './daemonProcess.ts';

/** LSP's code for a request that was cancelled. */
const REQUEST_CANCELLED = -32800;

const folder = temporaryFolder();
let checkpoint = '';
const files: string[] = [];
before(async () => {
  ({ checkpoint } = await writeUntrainedModel(join(folder, 'model')));
  for (let i = 0; i < 4; i++)
    files.push(await writeTestSound(join(folder, `${i}.wav`), i % 2 ? 'tone' : 'noise', 0.3, i));
});

/** Two hours, which nothing answers for in a moment. */
async function writeLongSilence(path: string): Promise<string> {
  const bytes = 2 * 3600 * 16_000 * 2;
  await writeFile(path, wavFile({ data: new Uint8Array(2), dataSize: bytes }));
  await truncate(path, 44 + bytes);
  return path;
}

describe('many requests at once', () => {
  it('are all answered or cancelled, in their order, and memory is given back', async () => {
    const requests = 300;
    const result = await loadDaemon({
      files,
      requests,
      concurrent: 150,
      cancelled: 0.2,
      seed: 3,
      options: { checkpoint, workers: 2 },
      environment: { XDG_CACHE_HOME: subfolder(folder, 'cache') },
    });
    assert.deepEqual([...result.errors], []);
    assert.equal(result.verdicts + result.cancelled, requests);
    assert.ok(result.verdicts > requests / 2 && result.cancelled > 0, `${result.cancelled} cancelled`);
    // Those under way in the workers may overtake.
    assert.ok(result.latest < 20, `overtaken by ${result.latest}`);
    const [, halfway, end] = result.rss;
    assert.ok(end - halfway < 100 * 2 ** 20, `${halfway} bytes half-way, ${end} at the end`);
  });

  it('do not make a single file wait for all of a long list', async () => {
    const daemon = await DaemonProcess.start({ checkpoint, workers: 1 });
    try {
      let listDone = false;
      const list = daemon.connection
        .sendRequest(ClassifyRequest.type, { files: Array.from({ length: 100 }, (_, i) => files[i % 4]) })
        .then(({ results }) => {
          listDone = true;
          return results;
        });
      await daemon.connection.sendRequest(ClassifyRequest.type, { files: [files[0]] });
      assert.equal(listDone, false);
      assert.equal((await list).length, 100);
    } finally {
      daemon.kill();
    }
  });

  it('are answered at once when they are cancelled before their turn', async () => {
    const daemon = await DaemonProcess.start({ checkpoint, workers: 1 });
    try {
      const long = await writeLongSilence(join(folder, 'silence.wav'));
      let longDone = false;
      // As many as are handed to the workers ahead of need, and one more.
      for (let i = 0; i < 3; i++) {
        const longAnswer = daemon.connection.sendRequest(ClassifyRequest.type, { files: [long] });
        longAnswer.catch(() => {}).then(() => (longDone = true));
      }
      const source = new CancellationTokenSource();
      const answer = daemon.connection.sendRequest(ClassifyRequest.type, { files: [files[0]] }, source.token);
      source.cancel();
      await assert.rejects(answer, { code: REQUEST_CANCELLED });
      assert.equal(longDone, false);
    } finally {
      daemon.kill();
    }
  });

  it('are refused with a sentence beyond ten thousand', async () => {
    const daemon = await DaemonProcess.start({ checkpoint, workers: 1 });
    try {
      const long = await writeLongSilence(join(folder, 'long.wav'));
      const { message } = await new Promise<{ message: string }>((resolve) => {
        for (let i = 0; i < 10_500; i++) {
          daemon.connection
            .sendRequest(ClassifyRequest.type, { files: [long] })
            .catch((error) => error.code === ErrorCode.TooManyRequests && resolve(error));
        }
      });
      assert.match(message, /^10000 requests are under way: [^\n]+\.$/);
    } finally {
      daemon.kill();
    }
  });
});
