import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openSession } from './session.ts';
import { writeFloat64Wav } from './wavFile.ts';

const CLIP = 'synthetic-hibari-english.ogg';
const LONG = 'long-sixty-four-bit.wav';
const LONG_SECONDS = 200;
const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47]);

const session = await openSession({
  prepare: (folder) => writeFloat64Wav(join(folder, LONG), LONG_SECONDS),
});
const { skip, window, folder } = session;
after(() => session.close());

const frame = () => window.report.locator('#spectrogram-frame');
const viewText = () => window.report.locator('#view-text');
const readOut = () => window.report.locator('#read-out');

test('the time axis is magnified by buttons, keys and the wheel', { skip }, async () => {
  await open(CLIP);
  const { report } = window;
  assert.equal(await viewText().textContent(), '');
  assert.ok(await report.locator('#zoom-out').isDisabled());
  const whole = await picture('spectrogram');
  await report.locator('#zoom-in').click();
  await viewText().filter({ hasText: ' of 4' }).waitFor();
  assert.notEqual(await picture('spectrogram'), whole);
  const once = await viewText().textContent();
  await frame().focus();
  await window.page.keyboard.press('+');
  await changed(once);
  const twice = await viewText().textContent();
  await window.page.keyboard.press('Shift+ArrowRight');
  await changed(twice);
  await window.page.keyboard.press('0');
  await viewText().filter({ hasText: /^$/ }).waitFor({ state: 'attached' });
  await frame().hover({ position: { x: 400, y: 150 } });
  await window.page.keyboard.down('Control');
  await window.page.mouse.wheel(0, -600);
  await window.page.keyboard.up('Control');
  await viewText().filter({ hasText: ' of 4' }).waitFor();
});

test('pointing at the spectrogram tells time, frequency, loudness and evidence', { skip }, async () => {
  await frame().hover({ position: { x: 400, y: 200 } });
  await readOut()
    .filter({
      hasText:
        /^\d\.\d\d s · [\d.]+ k?Hz · −?\d+ dB · (no evidence|(synthetic|genuine), \d+ % of the strongest)$/,
    })
    .waitFor();
  await window.screenshot('report-zoomed');
});

test('what is magnified, and the position, are found again when the tab was hidden', { skip }, async () => {
  await frame().focus();
  await window.page.keyboard.press('ArrowRight');
  const view = (await viewText().textContent()) ?? '';
  assert.match(view, / of 4/);
  const position = (await window.report.locator('#position').textContent()) ?? '';
  await window.explorerItem('README.md').dblclick();
  await window.tab('README.md').waitFor();
  await window.tab(CLIP).click();
  await window.report.locator('#result').waitFor();
  await viewText().filter({ hasText: view }).waitFor();
  await window.report.locator('#position', { hasText: position }).waitFor();
});

test('everything in the report can be reached by the keyboard', { skip }, async () => {
  await window.report.locator('#evidence-opacity').focus();
  const reached: string[] = [];
  for (let i = 0; i < 9; i++) {
    await window.page.keyboard.press('Tab');
    reached.push(await window.report.locator(':focus').evaluate((element) => element.id));
  }
  assert.deepEqual(reached, [
    'play',
    'volume',
    'zoom-out',
    'zoom-in',
    'zoom-whole',
    'spectrogram-frame',
    'copy-json',
    'save-html',
    'save-png',
  ]);
  await frame().focus();
  await window.page.keyboard.press('Home');
  await window.page.keyboard.press('ArrowRight');
  await window.page.keyboard.press('ArrowUp');
  assert.match((await frame().getAttribute('aria-valuetext')) ?? '', /s · .*Hz · .*dB/);
  assert.ok(Number(await frame().getAttribute('aria-valuenow')) > 0);
  await window.page.keyboard.press(' ');
  await window.report.locator('#play', { hasText: 'Pause' }).waitFor();
  await window.page.keyboard.press(' ');
  await window.report.locator('#play', { hasText: 'Play' }).waitFor();
});

test('the report is saved as a picture and as a page', { skip }, async () => {
  const png = join(folder, 'saved.png');
  await window.report.locator('#save-png').click();
  await window.saveAs(png);
  await window.page.locator('.statusbar', { hasText: 'Saved saved.png' }).waitFor();
  assert.deepEqual(readFileSync(png).subarray(0, 4), PNG_SIGNATURE);
  assert.ok(statSync(png).size > 20_000);
  const page = join(folder, 'saved.html');
  await window.report.locator('#save-html').click();
  await window.saveAs(page);
  await window.page.locator('.statusbar', { hasText: 'Saved saved.html' }).waitFor();
  const html = readFileSync(page, 'utf8');
  assert.ok(html.includes(CLIP) && !html.includes('<script'));
  assert.ok(existsSync(page));
});

test('a long file that the webview cannot play is played near its end, in slices', { skip }, async () => {
  await open(LONG);
  const { report } = window;
  await report.locator('#player-note', { hasText: 'converted copy' }).waitFor();
  await frame().focus();
  await window.page.keyboard.press('End');
  await window.page.keyboard.press('ArrowLeft');
  await window.page.keyboard.press(' ');
  await report.locator('#play', { hasText: 'Pause' }).waitFor();
  await report.locator('#position', { hasText: /^3:1[5-9]\.\d \/ 3:20\.0$/ }).waitFor();
  await report.locator('#player').evaluate((audio: HTMLAudioElement) => {
    const at = audio.currentTime;
    return new Promise<void>((resolve) => {
      audio.addEventListener('timeupdate', () => {
        if (!audio.paused && audio.currentTime > at) resolve();
      });
    });
  });
  await window.screenshot('report-long');
  // It comes to its end, and stays there.
  await report.locator('#position', { hasText: '3:20.0 / 3:20.0' }).waitFor();
  await report.locator('#play', { hasText: 'Play' }).waitFor();
});

async function open(file: string): Promise<void> {
  await window.detect(file);
  await window.report.locator('#file-name', { hasText: file }).waitFor();
  await window.report.locator('#result').waitFor();
}

async function changed(text: string | null): Promise<void> {
  await viewText()
    .filter({ hasNotText: text ?? '' })
    .waitFor({ state: 'attached' });
}

function picture(canvas: string): Promise<string> {
  return window.report.locator(`#${canvas}`).evaluate((element: HTMLCanvasElement) => element.toDataURL());
}
