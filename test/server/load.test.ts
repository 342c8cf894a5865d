import assert from 'node:assert/strict';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { loadDaemon } from '../../scripts/load/loadDaemon.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { ClassifyRequest } from '../../shared/protocol.ts';
import { wavFile } from '../audio/wavFile.ts';
import { subfolder, temporaryFolder, writeTestSound, writeUntrainedModel } from '../helpers.ts';
import { DaemonProcess } from './daemonProcess.ts';

const folder = temporaryFolder();
let checkpoint = '';
const files: string[] = [];
before(async () => {
  ({ checkpoint } = await writeUntrainedModel(join(folder, 'model')));
  for (let i = 0; i < 4; i++)
    files.push(await writeTestSound(join(folder, `${i}.wav`), i % 2 ? 'tone' : 'noise', 0.3, i));
});

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
    // Those under way in the workers, and those that were cancelled in the queue, may overtake.
    assert.ok(result.latest < 100, `overtaken by ${result.latest}`);
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

  it('are refused with a sentence beyond ten thousand', async () => {
    const daemon = await DaemonProcess.start({ checkpoint, workers: 1 });
    try {
      const long = join(folder, 'long.wav');
      const bytes = 2 * 3600 * 16_000 * 2;
      await writeFile(long, wavFile({ data: new Uint8Array(2), dataSize: bytes }));
      await truncate(long, 44 + bytes);
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
