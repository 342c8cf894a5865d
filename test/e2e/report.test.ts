import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { FrameLocator } from 'playwright-core';
import { packageRoot } from '../../daemon/paths.ts';
import type { Decision } from '../../shared/verdict.ts';
import { headline, percent } from '../../shared/wording.ts';
import { openSession } from './session.ts';
import { writeFloat64Wav } from './wavFile.ts';

const SYNTHETIC = 'synthetic-hibari-english.ogg';
const GENUINE = 'genuine-man-italian.wav';
const OTHERS = ['genuine-woman-english.flac', 'synthetic-hibari-english.ogg', 'synthetic-kokoro-english.m4a'];
const HOSTILE = '<img src=x onerror=alert(1)>.wav';
const NOT_AUDIO = 'shopping-list.mp3';
const NOT_PLAYABLE = 'sixty-four-bit.wav';
const NOT_PLAYABLE_SECONDS = 14;

const session = await openSession({
  prepare: (folder) => {
    copyFileSync(join(folder, GENUINE), join(folder, HOSTILE));
    writeFileSync(join(folder, NOT_AUDIO), 'bread, milk, two lemons\n'.repeat(40));
    writeFloat64Wav(join(folder, NOT_PLAYABLE), NOT_PLAYABLE_SECONDS);
  },
});
const { skip, window, folder } = session;
after(() => session.close());

test('nothing is started before it is used', { skip }, async () => {
  assert.deepEqual(window.daemonPids(), []);
  assert.equal(await window.statusItem.count(), 0);
});

test('a right click opens a report with the verdict of the command line', { skip }, async (t) => {
  const started = await detect(SYNTHETIC);
  t.diagnostic(`cold, from the click to the verdict: ${await elapsed(started)}`);
  await assertReportAgrees(SYNTHETIC);
  assert.equal(window.daemonPids().length, 1);
  await window.statusItem.waitFor();
  assert.ok((await distinctColours(window.report, 'spectrogram')) > 100, 'the spectrogram is blank');
  assert.match(
    (await window.report.locator('#spectrogram-text').textContent()) ?? '',
    /^Loudness of 4(\.\d+)? s of sound/,
  );
  await window.screenshot('report-dark');
});

test('the report follows the theme', { skip }, async () => {
  await window.useTheme('light');
  await window.screenshot('report-light');
  await window.useTheme('high-contrast');
  await window.screenshot('report-high-contrast');
  await window.useTheme('dark');
});

test('every further file is judged as on the command line', { skip }, async (t) => {
  for (const file of [GENUINE, ...OTHERS]) {
    const started = await detect(file);
    t.diagnostic(`warm, from the click to the verdict of ${file}: ${await elapsed(started)}`);
    await assertReportAgrees(file);
  }
  assert.equal(window.daemonPids().length, 1);
});

test('a file has one report, which is revealed', { skip }, async () => {
  await detect(SYNTHETIC);
  assert.equal(await window.tab(SYNTHETIC).count(), 1);
});

test('the evidence can be faded out', { skip }, async () => {
  const before = await distinctColours(window.report, 'spectrogram');
  await window.report.locator('#evidence-opacity').fill('0');
  const after = await distinctColours(window.report, 'spectrogram');
  assert.ok(after < before, `${after} colours without evidence, ${before} with it`);
  await window.report.locator('#evidence-opacity').fill('70');
});

test('the cursor follows the player', { skip }, async () => {
  const { report } = window;
  await report.locator('#player').evaluate((audio: HTMLAudioElement) => audio.play());
  await report.locator('#spectrogram-frame .cursor').waitFor({ state: 'visible' });
  await report.locator('#player').evaluate((audio: HTMLAudioElement) => audio.pause());
  await report.locator('#spectrogram-frame').press('End');
  const frame = report.locator('#spectrogram-frame');
  assert.equal(await frame.getAttribute('aria-valuenow'), await frame.getAttribute('aria-valuemax'));
});

test('the verdict is copied as JSON', { skip }, async () => {
  await window.report.locator('#copy-json').click();
  await window.page.locator('.statusbar', { hasText: 'copied as JSON' }).waitFor();
  const text = await window.page.evaluate(() => navigator.clipboard.readText());
  assert.deepEqual(JSON.parse(text), predict(SYNTHETIC));
});

test('what the webview cannot play is converted, and long files show their windows', { skip }, async () => {
  await detect(NOT_PLAYABLE);
  const { report } = window;
  await report.locator('#player-note', { hasText: 'converted copy' }).waitFor();
  const player = report.locator('#player');
  await player.evaluate(
    (audio: HTMLAudioElement) =>
      audio.readyState > 0 ||
      new Promise((resolve) => audio.addEventListener('loadedmetadata', resolve, { once: true })),
  );
  assert.equal(
    await player.evaluate((audio: HTMLAudioElement) => Math.round(audio.duration)),
    NOT_PLAYABLE_SECONDS,
  );
  await report.locator('#spectrogram-frame').click({ position: { x: 300, y: 100 } });
  await report.locator('#windows-frame .cursor').waitFor({ state: 'visible' });
  assert.ok((await distinctColours(report, 'windows')) > 2, 'the windows are not drawn');
  await window.screenshot('report-windows');
});

test('a file that is not audio gets its reason in the report, and Retry looks again', { skip }, async () => {
  await window.detect(NOT_AUDIO);
  const { report } = window;
  await report.locator('#failure').waitFor();
  const message = (await report.locator('#failure-message').textContent()) ?? '';
  assert.match(message, /shopping-list\.mp3.*not/);
  await window.screenshot('report-failure');
  copyFileSync(join(folder, GENUINE), join(folder, NOT_AUDIO));
  await report.locator('#retry').click();
  await report.locator('#result').waitFor();
  await assertReportAgrees(NOT_AUDIO);
});

test('a hostile file name is shown as text', { skip }, async () => {
  const dialogs: string[] = [];
  window.page.on('dialog', async (dialog) => {
    dialogs.push(dialog.message());
    await dialog.dismiss();
  });
  await detect(HOSTILE);
  assert.equal(await window.report.locator('#file-name').textContent(), HOSTILE);
  assert.equal(await window.report.locator('img').count(), 0);
  assert.deepEqual(dialogs, []);
});

test('an editor with an audio file has the command in its title bar', { skip }, async () => {
  await window.explorerItem(GENUINE).dblclick();
  await window.page.locator('.editor-actions [aria-label^="Detect Deepfake"]').click();
  await window.report.locator('#file-name', { hasText: GENUINE }).waitFor();
  await window.report.locator('#result').waitFor();
});

test('several selected files get a card each, which leads to the report', { skip }, async () => {
  await window.run('View: Close All Editors');
  await window.explorerItem(GENUINE).click();
  for (const file of [...OTHERS, NOT_PLAYABLE]) {
    await window.explorerItem(file).click({ modifiers: ['ControlOrMeta'] });
  }
  await window.detect(OTHERS[1]);
  const card = (file: string) => window.results.locator('.card', { hasText: file });
  for (const file of [GENUINE, ...OTHERS]) {
    const { decision, deepfake_probability } = predict(file);
    await card(file)
      .locator('.verdict', { hasText: headline(decision) })
      .waitFor();
    const shown = Number(await card(file).locator('.bar').getAttribute('aria-valuenow'));
    assert.ok(Math.abs(shown - deepfake_probability) < 1e-6, `${shown} on the card of ${file}`);
  }
  await window.screenshot('cards-dark');
  await window.useTheme('light');
  await window.screenshot('cards-light');
  await window.useTheme('dark');
  await card(GENUINE)
    .getByRole('button', { name: `Open the report of ${GENUINE}` })
    .focus();
  await window.page.keyboard.press('ArrowRight');
  await window.page.keyboard.press('ArrowLeft');
  await window.page.keyboard.press('Enter');
  await window.tab(`${GENUINE} – deepfake report`).waitFor();
  await window.report.locator('#result').waitFor();
});

test('the cards come back after a reload of the window', { skip }, async () => {
  await window.reload();
  const { decision } = predict(GENUINE);
  await window.results
    .locator('.card', { hasText: GENUINE })
    .locator('.verdict', { hasText: headline(decision) })
    .waitFor();
  await window.run('View: Toggle Panel Visibility');
});

test('a file opens with the report as its editor', { skip }, async () => {
  // A click ends the selection of several files.
  await window.explorerItem(SYNTHETIC).click();
  await window.run('View: Close All Editors');
  await window.chooseInMenu(SYNTHETIC, 'Open With...');
  await window.page.locator('.quick-input-list .monaco-list-row', { hasText: 'Deepfake report' }).click();
  await window.report.locator('#result').waitFor();
  await assertReportAgrees(SYNTHETIC);
  await window.reload();
  await window.report.locator('#result').waitFor();
  await assertReportAgrees(SYNTHETIC);
  await window.run('View: Close All Editors');
});

test('after the daemon has been killed the next detection starts another', { skip }, async () => {
  const [killed] = window.daemonPids();
  process.kill(killed, 'SIGKILL');
  await window.page.locator('.statusbar-item[id$="deepfake.status"].warning-kind').waitFor();
  await detect(GENUINE);
  await assertReportAgrees(GENUINE);
  const [next] = window.daemonPids();
  assert.notEqual(next, killed);
});

test('a report comes back after a reload of the window', { skip }, async () => {
  await window.reload();
  await window.report.locator('#file-name', { hasText: GENUINE }).waitFor();
  await window.report.locator('#result').waitFor();
  await assertReportAgrees(GENUINE);
});

test('no other host was asked for anything', { skip }, () => {
  assert.deepEqual([...window.foreignRequests], []);
});

/** Right-clicks a file and waits for its verdict; when the menu item was chosen, in milliseconds since 1970. */
async function detect(file: string): Promise<number> {
  const clicked = await window.detect(file);
  await window.report.locator('#file-name', { hasText: file }).waitFor();
  await window.report.locator('#result').waitFor();
  return clicked;
}

async function elapsed(since: number): Promise<string> {
  const { pageMade, verdictShown } = await window.reportTimes();
  return `${verdictShown - since} ms, ${pageMade - since} of which VS Code took to make the page`;
}

interface Prediction {
  decision: Decision;
  deepfake_probability: number;
}

function predict(file: string): Prediction {
  const output = execFileSync(process.execPath, [
    join(packageRoot, 'dist', 'cli.js'),
    'predict',
    join(folder, file),
  ]);
  return JSON.parse(output.toString());
}

async function assertReportAgrees(file: string): Promise<void> {
  const expected = predict(file);
  const { report } = window;
  assert.equal(await report.locator('#headline').textContent(), headline(expected.decision));
  const meter = report.locator('#probability');
  const probability = Number(await meter.getAttribute('aria-valuenow'));
  assert.ok(
    Math.abs(probability - expected.deepfake_probability) < 1e-6,
    `${probability} in the report, ${expected.deepfake_probability} on the command line`,
  );
  const summary = (await report.locator('#summary').textContent()) ?? '';
  assert.ok(summary.includes(percent(expected.deepfake_probability)), summary);
}

/** The number of different colours on a canvas. */
function distinctColours(report: FrameLocator, canvas: string): Promise<number> {
  return report.locator(`#${canvas}`).evaluate((element: HTMLCanvasElement) => {
    const { data } = element.getContext('2d')!.getImageData(0, 0, element.width, element.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
}
