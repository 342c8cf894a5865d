import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type ReportInput, writeReports } from '../../daemon/evaluation/reports.ts';
import golden from '../golden/metrics.json' with { type: 'json' };

const { probabilities, labels, threshold } = golden.cases[0];
const input: ReportInput = {
  probabilities,
  labels: labels as (0 | 1)[],
  threshold,
  facts: { evaluated_on: '<b>for-norm</b> & "co"', coverage: 0.875, seed: 42 },
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reports-'));
});
afterEach(() => rm(folder, { recursive: true }));

const reportOf = async (changes: Partial<ReportInput> = {}): Promise<string> =>
  readFile((await writeReports(folder, { ...input, ...changes })).reportFile, 'utf8');

describe('the reports of an evaluation', () => {
  it('are metrics, confusion matrix and a page, under a prefix where one is given', async () => {
    await writeReports(folder, input);
    const written = await writeReports(folder, { ...input, prefix: 'test_' });
    const names = ['confusion_matrix.png', 'metrics.json', 'report.html'];
    assert.deepEqual((await readdir(folder)).sort(), [...names, ...names.map((name) => `test_${name}`)]);
    assert.equal(written.metricsFile, join(folder, 'test_metrics.json'));
  });

  it('hold ROC, DET and reliability data, each list on a line of its own', async () => {
    const { metricsFile, metrics } = await writeReports(folder, input);
    const text = await readFile(metricsFile, 'utf8');
    const read = JSON.parse(text);
    assert.deepEqual(read, JSON.parse(JSON.stringify(metrics)));
    const { roc, det, reliability } = read;
    assert.deepEqual(Object.keys(roc), ['threshold', 'false_positive_rate', 'true_positive_rate']);
    assert.equal(roc.threshold[0], null);
    assert.equal(roc.true_positive_rate.at(-1), 1);
    assert.equal(det.threshold.length, det.miss_rate.length);
    assert.equal(reliability.bins.length, 10);
    const { coverage, error } = read.coverage_error;
    assert.deepEqual([coverage.length, error.length, coverage.at(-1).toFixed(9)], [20, 20, '1.000000000']);
    assert.ok(Math.abs(error.at(-1) - read.hter) < 1e-12, 'with every clip decided the error is the HTER');
    assert.match(text, /\n {4}"miss_rate": \[ ?1, .*\]\n/);
    assert.match(text, /\n {4}"eer": \[.*\],\n/);
  });
});

describe('report.html', () => {
  it('names what was measured, without letting it become markup', async () => {
    const page = await reportOf();
    assert.ok(page.includes('<dd>&#60;b&#62;for-norm&#60;/b&#62; &#38; &#34;co&#34;</dd>'));
    assert.ok(!page.includes('<b>for-norm'));
    assert.ok(page.includes('<dt>Coverage</dt><dd>87.5 %</dd>'));
    assert.ok(page.includes('<dt>Clips</dt><dd>60 Genuine, 40 Deepfake</dd>'));
  });

  it('says of every gate whether it was passed', async () => {
    const page = await reportOf();
    assert.equal([...page.matchAll(/[✓✗] (passed|failed)/g)].length, 5);
    const { metrics } = await writeReports(folder, input);
    const failed = (metrics.gates as { passed: boolean }[]).filter(({ passed }) => !passed).length;
    assert.equal([...page.matchAll(/✗ failed/g)].length, failed);
    assert.ok(failed > 0 && failed < 5);
  });

  it('has a table beside every plot, with headed rows and columns', async () => {
    const page = await reportOf();
    const plots = page.split('<div class="pair plot">').slice(1);
    assert.equal(plots.length, 5);
    for (const plot of plots) {
      assert.match(plot, /^<figure><svg role="img" aria-label="[^"]+"/);
      assert.match(plot, /<\/figure><table><thead><tr><th scope="col">[\s\S]*<th scope="row">/);
    }
    assert.ok(!/NaN|undefined|Infinity/.test(page));
  });

  it('loads nothing, runs nothing, and allows the browser no style but its own', async () => {
    const page = await reportOf();
    assert.ok(!/<script|<link|<img|\bon\w+=|\bstyle="|src=|href=|url\(|@import|https?:/i.test(page));
    const [, style] = /<style>([\s\S]*)<\/style>/.exec(page)!;
    const hash = createHash('sha256').update(style).digest('base64');
    const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)![1];
    assert.deepEqual(policy.split('; '), [
      "default-src 'none'",
      `style-src 'sha256-${hash}'`,
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    assert.ok(style.includes('prefers-color-scheme: dark'));
  });

  it('can be made of two clips, and of answers that are all the same', async () => {
    assert.match(await reportOf({ probabilities: [1, 0], labels: [1, 0] }), /100\.0 %/);
    const page = await reportOf({ probabilities: [0.5, 0.5, 0.5], labels: [1, 0, 1], threshold: 0.6 });
    assert.ok(!/NaN|undefined|Infinity/.test(page));
  });
});
