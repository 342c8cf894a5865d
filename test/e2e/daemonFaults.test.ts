import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';
import { openSession } from './session.ts';

const CLIP = 'genuine-man-italian.wav';
const OTHER_CLIP = 'genuine-woman-english.flac';

/** The extension with a daemon that fails on command; below the package, so that it finds its libraries. */
const extension = join(packageRoot, '.cache', 'extension-with-fake-daemon');
const behaviourFile = join(extension, 'dist', 'behaviour');

rmSync(extension, { recursive: true, force: true });
mkdirSync(join(extension, 'dist'), { recursive: true });
for (const name of ['package.json', 'package.nls.json'])
  copyFileSync(join(packageRoot, name), join(extension, name));
for (const name of ['extension.cjs', 'languageClient.cjs']) {
  copyFileSync(join(packageRoot, 'dist', name), join(extension, 'dist', name));
}
copyFileSync(join(packageRoot, 'test', 'extension', 'fakeDaemon.mjs'), join(extension, 'dist', 'daemon.js'));
cpSync(join(packageRoot, 'dist', 'media'), join(extension, 'dist', 'media'), { recursive: true });
cpSync(join(packageRoot, 'media', 'icons'), join(extension, 'media', 'icons'), { recursive: true });

const session = await openSession({ extension });
const { skip, window } = session;
after(() => session.close());

/** Sets how the daemons to come behave, in this order. */
const behave = (...behaviours: string[]) => writeFileSync(behaviourFile, behaviours.join('\n'));
const failure = () => window.report.locator('#failure-message');

test('a daemon that ends at once is reported with a way out', { skip }, async () => {
  behave('crash-start', 'well');
  await window.detect(CLIP);
  await failure().filter({ hasText: 'The detector could not be started: it ended at once.' }).waitFor();
  const message = await window.notification('The detector could not be started: it ended at once.');
  await window.screenshot('daemon-does-not-start');
  await message.getByRole('button', { name: 'Show log' }).click();
  await window.page.locator('.part.panel', { hasText: 'Output' }).waitFor();
});

test('its status item restarts it, and Retry then brings the verdict', { skip }, async () => {
  await window.statusItem.click();
  await window.choose('Restart detector');
  await window.page.locator('.statusbar-item[id$="deepfake.status"]:not(.warning-kind)').waitFor();
  assert.equal(window.daemonPids().length, 1);
  await window.report.locator('#retry').click();
  await window.report.locator('#headline', { hasText: 'Probably synthetic speech' }).waitFor();
});

test('a request whose daemon dies is answered by the next daemon', { skip }, async () => {
  behave('crash-once', 'well');
  await window.run('Deepfake: Restart Detector');
  await window.detect(OTHER_CLIP);
  await window.report.locator('#headline', { hasText: 'Probably synthetic speech' }).waitFor();
});

test('a file that ends every daemon gets no verdict, and does not loop', { skip }, async () => {
  behave('crash-once');
  await window.run('Deepfake: Restart Detector');
  await window.detect(CLIP);
  await failure().filter({ hasText: 'The detector stopped unexpectedly' }).waitFor();
  assert.deepEqual(window.daemonPids(), []);
});

test('a slow detection can be cancelled', { skip }, async () => {
  behave('slow');
  await window.detect(CLIP);
  const progress = await window.notification('Detecting deepfake');
  await progress.getByRole('button', { name: 'Cancel' }).click();
  await failure().filter({ hasText: 'The detection was cancelled.' }).waitFor();
});

test('a missing model is the answer of the report and of the status item', { skip }, async () => {
  behave('no-model');
  await window.run('Deepfake: Restart Detector');
  await window.page.locator('.statusbar-item[id$="deepfake.status"].warning-kind').waitFor();
  await window.detect(CLIP);
  await failure().filter({ hasText: 'There is no checkpoint to read' }).waitFor();
});
