import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { ClassifyRequest, LoadModelRequest, ModelRequest } from '../../shared/protocol.ts';
import { runCli } from '../cli/runCli.ts';
import { temporaryFolder, writeDataset, writeTestSound, writeUntrainedModel } from '../helpers.ts';
import { DaemonProcess } from './daemonProcess.ts';

const folder = temporaryFolder();
const path = (...names: string[]) => join(folder, ...names);
let clip = '';
before(async () => {
  clip = await writeTestSound(path('clip.wav'), 'tone', 5, 3);
});

const verdictOf = async (daemon: DaemonProcess) => {
  const { results } = await daemon.connection.sendRequest(ClassifyRequest.type, { files: [clip] });
  assert.ok('verdict' in results[0], JSON.stringify(results));
  return results[0].verdict;
};

describe('a daemon that is killed while it loads a model', () => {
  it('leaves nothing behind that the next one would stumble over', {
    skip: process.platform === 'win32' && 'no named pipes in the file system here',
  }, async () => {
    const { checkpoint, config } = await writeUntrainedModel(path('loading'));
    const before = [checkpoint, config].map((file) => readFileSync(file));
    // Reading a pipe that nobody writes to takes as long as one likes.
    renameSync(checkpoint, path('aside'));
    execFileSync('mkfifo', [checkpoint]);
    const first = await DaemonProcess.start({ checkpoint }, false);
    first.connection.sendRequest(ModelRequest.type).catch(() => {});
    first.process.kill('SIGKILL');
    assert.equal(await first.exit, null);
    first.kill();
    rmSync(checkpoint);
    renameSync(path('aside'), checkpoint);
    const second = await DaemonProcess.start({ checkpoint });
    try {
      assert.equal((await verdictOf(second)).model.checkpoint, checkpoint);
    } finally {
      second.kill();
    }
    assert.deepEqual(
      [checkpoint, config].map((file) => readFileSync(file)),
      before,
    );
  });
});

describe('a model file that changes on the disk while it is loaded', () => {
  it('changes no verdict until it is loaded again, and then only when it fits its configuration', async () => {
    const { checkpoint } = await writeUntrainedModel(path('changing'), {}, 1);
    const other = await writeUntrainedModel(path('other'), {}, 2);
    const daemon = await DaemonProcess.start({ checkpoint });
    try {
      const verdict = await verdictOf(daemon);
      for (const content of [readFileSync(other.checkpoint), Buffer.from('half a model'), undefined]) {
        if (content === undefined) rmSync(checkpoint);
        else writeFileSync(checkpoint, content);
        assert.deepEqual(await verdictOf(daemon), verdict);
        await assert.rejects(
          daemon.connection.sendRequest(LoadModelRequest.type, { checkpoint }),
          (error) => {
            const { code, message } = error as { code: number; message: string };
            assert.ok([ErrorCode.CheckpointInvalid, ErrorCode.CheckpointNotFound].includes(code), message);
            assert.ok(message.includes(checkpoint), message);
            return true;
          },
        );
        assert.deepEqual(await verdictOf(daemon), verdict);
      }
      cpSync(path('other'), path('changing'), { recursive: true });
      await daemon.connection.sendRequest(LoadModelRequest.type, { checkpoint });
      assert.notEqual((await verdictOf(daemon)).model.sha256, verdict.model.sha256);
    } finally {
      daemon.kill();
    }
  });
});

describe('a clock that jumps', () => {
  it('changes no verdict, no kept result and no training', async () => {
    const { checkpoint } = await writeUntrainedModel(path('timed'));
    await writeDataset(path('data'), 6);
    mkdirSync(path('clips'));
    for (let i = 0; i < 3; i++) await writeTestSound(path('clips', `${i}.wav`), 'noise', 1, i);
    const outcomes: unknown[] = [];
    for (const [name, environment] of [
      ['steady', {}],
      ['jumping', { NODE_OPTIONS: `--require "${join(packageRoot, 'test/server/jumpingClock.cjs')}"` }],
    ] as [string, NodeJS.ProcessEnv][]) {
      const succeed = async (...args: string[]) => {
        const { code, stdout, stderr } = await runCli(args, environment);
        assert.equal(code, 0, stderr);
        return stdout;
      };
      const verdict = await succeed('predict', clip, '--model', checkpoint);
      const scan = [
        'scan',
        path('clips'),
        '--model',
        checkpoint,
        '--ordered',
        '--store',
        path(`${name}.mdb`),
      ];
      const scans = [await succeed(...scan), await succeed(...scan)];
      const model = path(name, 'model');
      const settings = ['--recipe', 'reference', '--epochs', '2', '--patience', '0'];
      const folders = ['--model-dir', model, '--reports-dir', path(name, 'reports')];
      await succeed('train', '--data-root', path('data'), ...settings, ...folders);
      const weights = readFileSync(join(model, 'deepfake_cnn.safetensors'), 'latin1');
      outcomes.push({ verdict, scans, weights });
      assert.match(scans[1], /"cached":true/);
    }
    assert.deepEqual(outcomes[1], outcomes[0]);
  });
});
