import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { writeReports } from '../../../daemon/evaluation/reports.ts';
import { metricsPage } from '../../../extension/training/metricsPage.ts';
import { temporaryFolder } from '../../helpers.ts';

const policyOf = (page: string) =>
  /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';

test('a report keeps its content, and its policy allows its two style sheets only', async () => {
  const { reportFile } = await writeReports(temporaryFolder(), {
    probabilities: [0.1, 0.2, 0.8, 0.6, 0.4, 0.9],
    labels: [0, 0, 1, 1, 0, 1],
    threshold: 0.5,
    facts: { data: 'voices' },
  });
  const file = readFileSync(reportFile, 'utf8');
  const page = metricsPage(file);
  const main = /<main>[\s\S]*<\/main>/.exec(file)?.[0];
  assert.ok(main !== undefined && page.includes(main));
  const styles = [...page.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, style]) => style);
  assert.equal(styles.length, 2);
  assert.match(styles[1], /--vscode-foreground/);
  const hashes = styles.map((style) => `'sha256-${createHash('sha256').update(style).digest('base64')}'`);
  assert.equal(
    policyOf(page),
    `default-src 'none'; style-src ${hashes.join(' ')}; base-uri 'none'; form-action 'none'`,
  );
  assert.equal(page.match(/Content-Security-Policy/g)?.length, 1);
});

test('whatever a file says, its policy is ours', () => {
  const page = metricsPage(
    '<head><meta http-equiv="Content-Security-Policy" content="default-src *"></head><body><script>alert(1)</script></body>',
  );
  assert.match(policyOf(page), /^default-src 'none'; style-src 'sha256-[^*]*$/);
  assert.ok(page.indexOf('<script>') > page.indexOf('Content-Security-Policy'));
});
