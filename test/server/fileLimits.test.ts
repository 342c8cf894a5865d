import assert from 'node:assert/strict';
import { truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { AnalysisPool } from '../../daemon/features/analysisPool.ts';
import { packageRoot } from '../../daemon/paths.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { ClassifyRequest, ScanRequest } from '../../shared/protocol.ts';
import { wavFile } from '../audio/wavFile.ts';
import {
  isDeepfakeError,
  modelConfig,
  subfolder,
  temporaryFolder,
  writeTestSound,
  writeUntrainedModel,
} from '../helpers.ts';
import { DaemonProcess } from './daemonProcess.ts';

const folder = temporaryFolder();
const FAULTY_DECODER = { NODE_OPTIONS: `--require "${join(packageRoot, 'test/server/faultyDecoder.cjs')}"` };
const STALL_SECONDS = 15;

describe('a decoder that breaks', () => {
  it('costs its file a verdict and nothing else, however it breaks', async () => {
    const { checkpoint } = await writeUntrainedModel(join(folder, 'model'));
    const clips = subfolder(folder, 'clips');
    const reasons: Record<string, RegExp> = {
      'hangs.wav': /its decoder brought nothing new for 15 s/,
      'fills-the-heap.wav': /its decoder ran out of memory/,
      'ends-the-thread.wav': /its decoder broke down on it/,
      'throws.wav': /cannot be read|broke down/,
    };
    const good = ['a.wav', 'g.wav', 'm.wav', 'z.wav'];
    for (const name of [...Object.keys(reasons), ...good])
      await writeTestSound(join(clips, name), 'noise', 0.5, name.charCodeAt(0));
    const daemon = await DaemonProcess.start(
      { checkpoint, workers: 2, limits: { stall: STALL_SECONDS } },
      true,
      FAULTY_DECODER,
    );
    try {
      const { results, summary } = await daemon.connection.sendRequest(ScanRequest.type, {
        paths: [clips],
        store: false,
      });
      assert.deepEqual([summary.files, summary.failed], [8, 4]);
      for (const result of results) {
        const name = basename(result.file);
        if ('verdict' in result) {
          assert.ok(good.includes(name), name);
          continue;
        }
        assert.ok(name in reasons, `${name}: ${result.error.message}`);
        assert.match(result.error.message, reasons[name]);
        assert.match(result.error.message, /^[^\n]+\.$/);
        assert.ok(result.error.message.includes(result.file));
      }
      const again = await daemon.connection.sendRequest(ClassifyRequest.type, {
        files: [join(clips, 'a.wav')],
      });
      assert.ok('verdict' in again.results[0]);
      assert.equal(await daemon.stop(), 0);
    } finally {
      daemon.kill();
    }
  });
});

describe('a file that takes too long', () => {
  it('is given up, and the next one is read', async () => {
    const long = join(folder, 'long.wav');
    const bytes = 2 * 3600 * 16_000 * 2;
    await writeFile(long, wavFile({ data: new Uint8Array(2), dataSize: bytes }));
    await truncate(long, 44 + bytes);
    const short = await writeTestSound(join(folder, 'short.wav'), 'noise', 0.5, 1);
    const pool = new AnalysisPool({ workers: 1, limits: { total: 0.05 } });
    const { features } = modelConfig();
    try {
      const request = {
        path: long,
        features,
        windows: { use: 'all', overlap: 0.5 },
        picture: 'atEnd',
      } as const;
      await assert.rejects(
        pool.analyze(request, () => {}),
        isDeepfakeError(ErrorCode.AudioDamaged, long, /took longer than 0\.05 s/),
      );
    } finally {
      await pool.dispose();
    }
    const next = new AnalysisPool({ workers: 1 });
    try {
      assert.equal((await next.samples(short, features)).length, 8000);
    } finally {
      await next.dispose();
    }
  });
});
