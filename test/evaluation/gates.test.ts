import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { reportGates } from '../../daemon/cli/gates.ts';
import type { MetricsFile } from '../../shared/protocol.ts';
import { runCli } from '../cli/runCli.ts';
import { temporaryFolder, writeDataset, writeUntrainedModel } from '../helpers.ts';

const folder = temporaryFolder();

describe('--gates', () => {
  let evaluate: string[];
  before(async () => {
    const model = await writeUntrainedModel(join(folder, 'm'));
    const data = await writeDataset(join(folder, 'data'), 4);
    evaluate = [
      'evaluate',
      '--data-root',
      data,
      '--model',
      model.checkpoint,
      '--reports-dir',
      join(folder, 'r'),
    ];
  });

  it('prints every gate and ends with exit code 2 where one fails', async () => {
    const { code, stdout, stderr } = await runCli([...evaluate, '--gates']);
    assert.equal(stderr, '');
    const lines = stdout.split('\n').filter((line) => line.startsWith('Gate'));
    assert.equal(lines.length, 5);
    for (const line of lines)
      assert.match(line, /^Gate (passed|FAILED): [\w ]+ \d+\.\d %, at (least|most) \d+\.\d %$/);
    assert.ok(lines.some((line) => line.startsWith('Gate FAILED')));
    assert.equal(code, 2);
  });

  it('is what makes a failed gate count', async () => {
    const { code, stdout } = await runCli(evaluate);
    assert.ok(!stdout.includes('Gate'));
    assert.equal(code, 0);
  });

  it('leaves the exit code alone where all are passed', (t) => {
    const log = t.mock.method(console, 'log', () => {});
    const metrics: MetricsFile = {
      accuracy: 0.9,
      eer: 0.05,
      f1: 0.9,
      per_class_accuracy: { Genuine: 0.9, Deepfake: 0.9 },
      confusion_matrix: [
        [9, 1],
        [1, 9],
      ],
      threshold: 0.5,
    };
    const before = process.exitCode;
    reportGates(metrics);
    assert.equal(process.exitCode, before);
    assert.deepEqual(
      log.mock.calls.map(({ arguments: [line] }) => line),
      [
        'Gate passed: Accuracy 90.0 %, at least 80.0 %',
        'Gate passed: Equal error rate 5.0 %, at most 12.0 %',
        'Gate passed: F1 of Deepfake 90.0 %, at least 80.0 %',
        'Gate passed: Genuine accuracy 90.0 %, at least 75.0 %',
        'Gate passed: Deepfake accuracy 90.0 %, at least 75.0 %',
      ],
    );
  });
});
