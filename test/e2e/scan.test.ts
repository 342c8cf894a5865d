import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';
import { encodeWav } from '../../scripts/encodeWav.ts';
import { testSound } from '../helpers.ts';
import { openSession } from './session.ts';

const SAMPLES = [
  'genuine-man-italian.wav',
  'genuine-woman-english.flac',
  'genuine-woman-french.ogg',
  'synthetic-espeak-english.wav',
  'synthetic-hibari-english.ogg',
  'synthetic-piper-english.mp3',
];
const NOT_AUDIO = 'shopping-list.mp3';
const LEFT_OUT = 'left-out.wav';
/** Enough for a scan to be met in the middle. */
const MANY = 1200;
const CROWD = 10_000;
const UNTIL_MS = 15_000;
const clipName = (index: number) => `clip-${String(index).padStart(4, '0')}.wav`;

const session = await openSession({
  prepare: (folder) => {
    const archive = join(folder, 'archive');
    mkdirSync(join(archive, 'interviews'), { recursive: true });
    SAMPLES.forEach((name, index) => {
      const place = index % 2 === 0 ? archive : join(archive, 'interviews');
      copyFileSync(join(packageRoot, 'media', 'samples', name), join(place, name));
    });
    writeFileSync(join(archive, NOT_AUDIO), 'bread, milk, two lemons\n'.repeat(40));
    copyFileSync(join(packageRoot, 'media', 'samples', SAMPLES[0]), join(archive, LEFT_OUT));
    writeFileSync(join(archive, '.deepfakeignore'), `*${LEFT_OUT}\n`);
    const many = join(folder, 'many');
    mkdirSync(many);
    for (let i = 0; i < MANY; i++) {
      writeFileSync(
        join(many, clipName(i)),
        encodeWav(testSound(i % 2 === 0 ? 'noise' : 'tone', 1, i), 16_000),
      );
    }
  },
});
const { skip, window, folder } = session;
after(() => session.close());

interface Row {
  file: string;
  decision?: string;
  deepfake_probability?: number;
}
const scanned: Row[] = skip
  ? []
  : execFileSync(process.execPath, [
      join(packageRoot, 'dist', 'cli.js'),
      ...['scan', '--no-store', '--format', 'jsonl', join(folder, 'archive')],
    ])
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
const outcomeOf = (row: Row) => row.decision ?? 'Not read';
const deepfakes = scanned
  .filter((row) => outcomeOf(row) === 'Deepfake')
  .sort((a, b) => (b.deepfake_probability ?? 0) - (a.deepfake_probability ?? 0));

test('a folder is scanned from its menu, with the findings of the command line', { skip }, async () => {
  await window.chooseInMenu('archive', 'Scan for Deepfakes');
  // A heading that comes after the others were expanded stays closed.
  for (const outcome of new Set(scanned.map(outcomeOf))) {
    const count = scanned.filter((row) => outcomeOf(row) === outcome).length;
    await window.finding(`${outcome}, ${count} file`).waitFor();
  }
  await expandAll();
  for (const row of scanned) await window.finding(`${basename(row.file)}, ${outcomeOf(row)}`).waitFor();
  assert.equal(await window.finding(LEFT_OUT).count(), 0);
  const first = await window.findings.locator('.monaco-list-row').nth(1).getAttribute('aria-label');
  assert.ok(first?.startsWith(basename(deepfakes[0].file)), `${first} stands first`);
});

test('a finding opens its report without a tab for each', { skip }, async () => {
  for (const row of deepfakes.slice(0, 2)) {
    const name = basename(row.file);
    await window.finding(name).click();
    await window.report.locator('#file-name', { hasText: name }).waitFor();
    await window.report.locator('#result').waitFor();
  }
  assert.equal(await window.page.locator('.tab').count(), 1);
  await window.screenshot('findings-dark');
  await window.useTheme('light');
  await window.screenshot('findings-light');
  await window.useTheme('high-contrast');
  await window.screenshot('findings-high-contrast');
  await window.useTheme('dark');
});

test('findings are grouped by folder and filtered by text', { skip }, async () => {
  await window.run('Deepfake: Group Findings by Folder');
  await window.finding('archive/interviews, 3 files').waitFor();
  await expandAll();
  await window.screenshot('findings-by-folder');
  await filterBy('italian');
  await window.findings.locator('.message', { hasText: '1 of 7 files shown' }).waitFor();
  assert.equal(await window.findings.locator('.monaco-list-row').count(), 2);
  await window.run('Deepfake: Clear Filter');
  await window.run('Deepfake: Group Findings by Verdict');
  await window.finding('Deepfake, ').first().waitFor();
});

test('deepfakes stand in the Problems panel, and their entry opens the report', { skip }, async () => {
  await window.run('View: Close All Editors');
  await window.run('Problems: Focus on Problems View');
  const problems = window.page.locator('.markers-panel');
  await problems.locator('.monaco-list-row', { hasText: 'Probably synthetic speech' }).first().waitFor();
  const entries = problems.locator('.monaco-list-row', { hasText: 'Probably synthetic speech: probability' });
  assert.equal(await entries.count(), deepfakes.length);
  await window.screenshot('problems');
  await entries.first().locator('a.monaco-link', { hasText: 'Open report' }).click();
  await window.report.locator('#result').waitFor();
  await window.run('View: Toggle Panel Visibility');
});

test('deepfakes have a badge in the explorer, which a finding reveals', { skip }, async () => {
  const name = basename(deepfakes[0].file);
  await window.finding(name).hover();
  await window.finding(name).locator('.action-label[aria-label="Reveal in Explorer"]').click();
  await window.explorerItem(name).waitFor();
  const badge = () =>
    window
      .explorerItem(name)
      .locator('.monaco-icon-label')
      .first()
      .evaluate((label) => getComputedStyle(label, '::after').content);
  await until(async () => (await badge()) === '"D"', badge);
  await window.screenshot('badges');
  await window.run('Deepfake: Focus on Findings View');
});

test('findings are exported in the formats of the command line', { skip }, async () => {
  for (const [format, file] of [
    ['SARIF', 'deepfake-findings.sarif'],
    ['JSON', 'deepfake-findings.json'],
  ]) {
    await window.run('Deepfake: Export Findings');
    await window.page.locator('.quick-input-list .monaco-list-row', { hasText: format }).first().click();
    const name = window.page.locator('.quick-input-widget input');
    const shown = () => name.inputValue();
    await until(async () => (await shown()).endsWith(file), shown);
    await name.press('Enter');
    await window.notification(file);
    assert.ok(JSON.parse(readFileSync(join(folder, file), 'utf8')));
  }
  const rows: Row[] = JSON.parse(readFileSync(join(folder, 'deepfake-findings.json'), 'utf8'));
  const decisions = (list: Row[]) =>
    list.map((row) => `${row.file} ${row.decision} ${row.deepfake_probability}`).sort();
  assert.deepEqual(decisions(rows), decisions(scanned));
});

test('a scan whose daemon is killed goes on and loses nothing', { skip }, async (t) => {
  const [killed] = window.daemonPids();
  await window.run('View: Show Explorer');
  await window.chooseInMenu('many', 'Scan for Deepfakes');
  await window.scanStatus.filter({ hasText: `of ${MANY.toLocaleString('en')} files` }).waitFor();
  await window.screenshot('scanning');
  t.diagnostic(`killed at: ${await window.scanStatus.textContent()}`);
  process.kill(killed, 'SIGKILL');
  await window.page.locator('.statusbar', { hasText: 'Scanned: ' }).waitFor({ timeout: 120_000 });
  await untilFindings(MANY + scanned.length);
  const [next] = window.daemonPids();
  assert.notEqual(next, killed);
});

test('a scan is stopped by a click and goes on where it was', { skip }, async () => {
  await window.run('Deepfake: Clear Findings');
  for (let i = 0; i < MANY; i++) rewrite(i);
  await window.run('View: Show Explorer');
  await window.chooseInMenu('many', 'Scan for Deepfakes');
  await window.scanStatus.filter({ hasText: `of ${MANY.toLocaleString('en')} files` }).click();
  await window.page.locator('.statusbar', { hasText: 'The scan was stopped' }).waitFor();
  await window.scanStatus.waitFor({ state: 'detached' });
  const found = await countOfFindings();
  assert.ok(found > 0 && found < MANY, `${found} of ${MANY} files`);
  await window.run('View: Show Explorer');
  await window.chooseInMenu('many', 'Scan for Deepfakes');
  await untilFindings(MANY);
});

test('findings come back after a reload of the window, without a daemon', { skip }, async () => {
  // An open report would need one.
  await window.run('View: Close All Editors');
  const before = await countOfFindings();
  await window.reload();
  await window.run('Deepfake: Focus on Findings View');
  // The clips of the last scan are noise.
  await window.finding('Inconclusive, ').first().waitFor();
  await untilFindings(before);
  assert.deepEqual(window.daemonPids(), []);
});

test('new files are scanned by themselves where that is turned on', { skip }, async () => {
  mkdirSync(join(folder, '.vscode'));
  // The title tells when the settings are in force.
  const settings = { 'deepfake.scan.automatic': true, 'window.title': 'settings in force' };
  writeFileSync(join(folder, '.vscode', 'settings.json'), JSON.stringify(settings));
  await window.page
    .locator('.window-title, .command-center', { hasText: 'settings in force' })
    .first()
    .waitFor();
  await filterBy('new-');
  const clip = join(packageRoot, 'media', 'samples', SAMPLES[4]);
  for (const name of ['new-clip.ogg', `new-${LEFT_OUT}`]) copyFileSync(clip, join(folder, 'archive', name));
  await window.findings.locator('.message', { hasText: '1 of ' }).waitFor();
  await window.run('Deepfake: Clear Filter');
  rmSync(join(folder, '.vscode'), { recursive: true });
});

test('ten thousand findings stay fluid', { skip }, async (t) => {
  const crowd = join(folder, 'crowd');
  mkdirSync(crowd);
  const content = join(folder, 'many', clipName(1));
  for (let i = 0; i < CROWD; i++) linkSync(content, join(crowd, `voice-${i}.wav`));
  await window.run('View: Show Explorer');
  const blocked = await longestTask();
  const started = performance.now();
  await window.chooseInMenu('crowd', 'Scan for Deepfakes');
  await window.page.locator('.statusbar', { hasText: 'Scanned: ' }).waitFor({ timeout: 120_000 });
  t.diagnostic(`${CROWD} files of known content scanned in ${Math.round(performance.now() - started)} ms`);
  await filterBy('voice-99');
  await window.findings.locator('.message', { hasText: '111 of ' }).waitFor();
  await window.screenshot('findings-ten-thousand');
  t.diagnostic(`the window’s longest pause meanwhile: ${await blocked()} ms`);
});

/** Starts watching for tasks that block the window; the function returned tells the longest, in milliseconds. */
async function longestTask(): Promise<() => Promise<number>> {
  await window.page.evaluate(() => {
    const state = globalThis as unknown as { longest: number };
    state.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) state.longest = Math.max(state.longest, duration);
    }).observe({ entryTypes: ['longtask'] });
  });
  return () => window.page.evaluate(() => Math.round((globalThis as unknown as { longest: number }).longest));
}

/** Shows the findings whose path holds a text. */
async function filterBy(text: string): Promise<void> {
  await window.run('Deepfake: Filter Findings by Text');
  const input = window.page.getByLabel('Part of a path or remark');
  await input.fill(text);
  await input.press('Enter');
}

/** Opens every heading that is closed. */
async function expandAll(): Promise<void> {
  await window.findings.locator('.monaco-list-row').first().waitFor();
  const closed = window.findings.locator('.monaco-list-row[aria-expanded="false"]');
  while ((await closed.count()) > 0) await closed.first().locator('.monaco-tl-twistie').click();
}

/** Waits until the tree, which follows the scan at its own pace, has this many findings. */
async function untilFindings(count: number): Promise<void> {
  await until(async () => (await countOfFindings()) === count, countOfFindings);
}

/** Looks again with each frame of the window; fails with what there is after a while. */
async function until(holds: () => Promise<boolean>, now: () => Promise<unknown>): Promise<void> {
  const started = performance.now();
  while (!(await holds())) {
    if (performance.now() - started > UNTIL_MS) assert.fail(`still ${await now()}`);
    await window.page.evaluate(() => new Promise(requestAnimationFrame));
  }
}

/** The sum over the headings, which are all in sight when they are closed. */
async function countOfFindings(): Promise<number> {
  if ((await window.findings.locator('.monaco-list-row[aria-expanded="true"]').count()) > 0) {
    await window.findings.locator('.title-actions .codicon-collapse-all').click();
  }
  const labels = await window.findings
    .locator('.monaco-list-row[aria-level="1"]')
    .evaluateAll((rows) => rows.map((row) => row.getAttribute('aria-label') ?? ''));
  return labels.reduce(
    (sum, label) => sum + Number(/, ([\d,]+) files/.exec(label)?.[1].replace(',', '') ?? 0),
    0,
  );
}

/** Gives a clip another content. */
function rewrite(index: number): void {
  const sound = testSound(index % 2 === 0 ? 'noise' : 'tone', 1, 10_000 + index);
  writeFileSync(join(folder, 'many', clipName(index)), encodeWav(sound, 16_000));
}
