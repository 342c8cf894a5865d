// The pictures of docs/, taken from a real VS Code in two themes; scripts/pictures.mjs starts it.
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../daemon/paths.ts';
import { openSession } from '../../test/e2e/session.ts';
import type { VsCodeWindow } from '../../test/e2e/vscodeWindow.ts';
import { writeDataset } from '../../test/helpers.ts';

const KINDS = ['report', 'findings', 'training'] as const;
const CLIP = 'synthetic-hibari-english.ogg';
const SAMPLE = /\.(wav|mp3|flac|ogg|m4a)$/;
const ARCHIVED = /^synthetic|woman/;
const EPOCHS = '24';
const TRAINING_LIMIT_MS = 400_000;
/** The title bar says that the extension is under development. */
const TITLE_BAR_HEIGHT = 35;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { data: { type: 'string' } },
});
const wanted = positionals.length === 0 ? [...KINDS] : positionals;
const unknown = wanted.find((kind) => !(KINDS as readonly string[]).includes(kind));
if (unknown !== undefined) {
  console.error(`error: there is no picture of "${unknown}": say ${KINDS.join(', ')} or nothing.`);
  process.exit(1);
}

const session = await openSession({
  prepare: async (folder) => {
    const recordings = join(folder, 'recordings');
    const archive = join(recordings, 'archive');
    mkdirSync(archive, { recursive: true });
    const samples = join(packageRoot, 'media', 'samples');
    const copy = (target: string, chosen: (name: string) => boolean) =>
      cpSync(samples, target, {
        recursive: true,
        filter: (path) => path === samples || chosen(path.slice(samples.length + 1)),
      });
    copy(recordings, (name) => SAMPLE.test(name) && (name === CLIP || !ARCHIVED.test(name)));
    copy(archive, (name) => SAMPLE.test(name) && name !== CLIP && ARCHIVED.test(name));
    if (wanted.includes('training')) {
      const voices = join(recordings, 'voices');
      if (values.data === undefined) await writeDataset(voices, 40);
      else cpSync(values.data, voices, { recursive: true });
    }
    return recordings;
  },
});
if (session.skip !== false) {
  console.error(`error: ${session.skip}.`);
  process.exit(1);
}
const { window } = session;
try {
  if (wanted.includes('report')) await takeReport(window);
  if (wanted.includes('findings')) await takeFindings(window);
  if (wanted.includes('training')) await takeTraining(window);
} finally {
  await session.close();
}

async function takeReport(window: VsCodeWindow): Promise<void> {
  await window.page.setViewportSize({ width: 1240, height: 1130 });
  await window.detect(CLIP);
  await window.report.locator('#result').waitFor();
  await window.report.locator('#player').evaluate(loaded);
  await take(window, 'report');
  await window.run('View: Close All Editors');
}

async function takeFindings(window: VsCodeWindow): Promise<void> {
  await window.page.setViewportSize({ width: 1240, height: 820 });
  await window.run('Scan Workspace for Deepfakes');
  await window.page.locator('.statusbar', { hasText: 'Scanned: ' }).waitFor();
  // The last heading: from here on the rows stay where they are.
  await window.finding('Genuine, ').waitFor();
  await window.finding(CLIP).click();
  await window.report.locator('#file-name', { hasText: CLIP }).waitFor();
  await window.report.locator('#result').waitFor();
  await window.report.locator('#player').evaluate(loaded);
  await take(window, 'findings');
  await window.run('View: Close All Editors');
  await window.run('View: Show Explorer');
}

async function takeTraining(window: VsCodeWindow): Promise<void> {
  await window.page.setViewportSize({ width: 1180, height: 690 });
  await window.chooseInMenu('voices', 'Train a Detector…');
  await window.choose('recommended');
  await window.page.locator('.quick-input-widget', { hasText: 'Train a Detector (2/3)' }).waitFor();
  await window.answer(EPOCHS);
  await window.choose('models/voices');
  await window.report
    .locator('#outcome-title', { hasText: 'Training finished' })
    .waitFor({ timeout: TRAINING_LIMIT_MS });
  await take(window, 'training');
}

async function take(window: VsCodeWindow, name: string): Promise<void> {
  const { width, height } = window.page.viewportSize()!;
  const clip = { x: 0, y: TITLE_BAR_HEIGHT, width, height: height - TITLE_BAR_HEIGHT };
  for (const [theme, file] of [
    ['light', `${name}-light.png`],
    ['dark', `${name}.png`],
  ] as const) {
    await window.useTheme(theme);
    // Nothing under the pointer, and two frames for what is drawn anew.
    await window.page.mouse.move(width / 2, height - 5);
    await window.page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
    await window.page.screenshot({ path: join(packageRoot, 'docs', file), clip });
    console.log(`docs/${file}`);
  }
}

/** Runs in the page: waits until the player knows the sound. */
function loaded(audio: HTMLAudioElement): Promise<unknown> | undefined {
  if (audio.readyState > 0) return undefined;
  return new Promise((resolve) => audio.addEventListener('loadedmetadata', resolve, { once: true }));
}
