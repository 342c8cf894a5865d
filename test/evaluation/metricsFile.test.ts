import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, it } from 'node:test';
import { checkGates } from '../../daemon/evaluation/gates.ts';
import { measure, writeMetricsFile } from '../../daemon/evaluation/metricsFile.ts';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import type { MetricsFile } from '../../shared/protocol.ts';
import golden from '../golden/metrics.json' with { type: 'json' };
import { REFERENCE_METRICS, temporaryFolder } from '../helpers.ts';

const parent = temporaryFolder();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(parent, 'metrics-'));
});

const { probabilities, labels, threshold, ...expected } = golden.cases[0];
const measured = () => measure(probabilities, labels, threshold, 42);

describe('metrics.json', () => {
  it("begins with the reference's keys in its spelling and order", async () => {
    const path = await writeMetricsFile(join(folder, 'new', 'reports'), measured());
    assert.equal(path, join(folder, 'new', 'reports', 'metrics.json'));
    const text = await readFile(path, 'utf8');
    const metrics = JSON.parse(text);
    assert.deepEqual(Object.keys(metrics).slice(0, 6), REFERENCE_METRICS);
    assert.deepEqual(Object.keys(metrics.per_class_accuracy), ['Genuine', 'Deepfake']);
    assert.deepEqual(metrics.confusion_matrix, expected.confusionMatrix);
    assert.equal(metrics.threshold, threshold);
    assert.ok(Math.abs(metrics.eer - expected.eer) < 1e-12);
    assert.ok(text.endsWith('}\n'));
  });

  it('goes on with what the reference lacks', () => {
    const metrics = JSON.parse(JSON.stringify(measured()));
    assert.ok(Math.abs(metrics.auc - expected.auc) < 1e-12);
    assert.ok(Math.abs(metrics.min_dcf - expected.minDcf) < 1e-12);
    assert.ok(Math.abs(metrics.cllr - expected.cllr) < 1e-9);
    assert.equal(metrics.eer_threshold, expected.eerThreshold);
    const [genuine, deepfake] = expected.perClassAccuracy;
    assert.ok(Math.abs(metrics.hter - (2 - genuine - deepfake) / 2) < 1e-12);
    assert.deepEqual(metrics.counts, { Genuine: 60, Deepfake: 40 });
    assert.deepEqual(metrics.min_dcf_parameters, {
      deepfake_prior: 0.05,
      missed_deepfake_cost: 10,
      false_alarm_cost: 1,
    });
    const { level, replicates, seed, ...intervals } = metrics.confidence_intervals;
    assert.deepEqual({ level, replicates, seed }, { level: 0.95, replicates: 1000, seed: 42 });
    for (const name of ['accuracy', 'eer', 'f1', 'auc', 'hter']) {
      const [low, high] = intervals[name];
      assert.ok(low < metrics[name] && metrics[name] < high, `${name}: ${low} ${metrics[name]} ${high}`);
    }
    assert.deepEqual(metrics, JSON.parse(JSON.stringify(measured())));
  });

  it('stays finite for a model that answers 0 or 1 and is wrong', () => {
    const metrics = measure([1, 0, 1, 0], [0, 1, 1, 0], 0.5, 1);
    assert.ok(Number.isFinite(metrics.cllr));
    assert.equal(metrics.accuracy, 0.5);
  });

  it('replaces an older file whole and leaves nothing else behind', async () => {
    await writeFile(join(folder, 'metrics.json'), 'old '.repeat(10_000));
    await writeMetricsFile(folder, measured());
    JSON.parse(await readFile(join(folder, 'metrics.json'), 'utf8'));
    assert.deepEqual(await readdir(folder), ['metrics.json']);
  });

  it('fails with the name of the file where it cannot be written', async () => {
    await mkdir(join(folder, 'metrics.json', 'in the way'), { recursive: true });
    await writeFile(join(folder, 'file'), '');
    for (const target of [folder, join(folder, 'file')]) {
      await assert.rejects(
        writeMetricsFile(target, measured()),
        (error) =>
          error instanceof DeepfakeError &&
          error.code === ErrorCode.WriteFailed &&
          error.message.includes(join(target, 'metrics.json')),
      );
    }
    assert.deepEqual((await readdir(folder)).sort(), ['file', 'metrics.json']);
  });
});

describe('the quality gates', () => {
  const metricsWith = (values: {
    accuracy: number;
    eer: number;
    f1: number;
    genuine: number;
    deepfake: number;
  }) =>
    ({
      ...values,
      per_class_accuracy: { Genuine: values.genuine, Deepfake: values.deepfake },
      confusion_matrix: [
        [0, 0],
        [0, 0],
      ],
      threshold: 0.5,
    }) satisfies MetricsFile;
  const limits = { accuracy: 0.8, eer: 0.12, f1: 0.8, genuine: 0.75, deepfake: 0.75 };

  it('are passed exactly at their limits', () => {
    const gates = checkGates(metricsWith(limits));
    assert.equal(gates.length, 5);
    assert.ok(gates.every(({ passed }) => passed));
  });

  it('fail one by one just beyond them', () => {
    const beyond = { accuracy: 0.7999, eer: 0.1201, f1: 0.7999, genuine: 0.7499, deepfake: 0.7499 };
    const names = ['accuracy', 'eer', 'f1', 'Genuine accuracy', 'Deepfake accuracy'];
    for (const [i, key] of (Object.keys(beyond) as (keyof typeof beyond)[]).entries()) {
      const failed = checkGates(metricsWith({ ...limits, [key]: beyond[key] })).filter(
        ({ passed }) => !passed,
      );
      assert.deepEqual(
        failed.map(({ name, measured: value }) => [name, value]),
        [[names[i], beyond[key]]],
      );
    }
  });
});
