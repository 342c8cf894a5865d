import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';
import { openSession } from './session.ts';

const CLIP = 'synthetic-hibari-english.ogg';
const LEFT_OUT = 'left-out.ogg';
const HIDDEN = 'hidden.txt';
const MISSING_MODEL = 'not-there.safetensors';

/** Two folders with the same files and different settings, in a workspace that names a model which does not exist. */
const session = await openSession({
  trust: true,
  prepare: (folder) => {
    for (const name of ['archive', 'inbox']) {
      mkdirSync(join(folder, name, '.vscode'), { recursive: true });
      for (const file of [CLIP, LEFT_OUT])
        copyFileSync(join(packageRoot, 'media', 'samples', CLIP), join(folder, name, file));
    }
    writeFileSync(join(folder, 'archive', HIDDEN), '');
    writeJson(join(folder, 'archive', '.vscode', 'settings.json'), {
      'deepfake.scan.exclude': ['left-*'],
      'deepfake.badges': false,
      'deepfake.problems.deepfake': 'error',
      'files.exclude': { [HIDDEN]: true },
    });
    const workspace = join(folder, 'recordings.code-workspace');
    writeJson(workspace, {
      folders: [{ path: 'archive' }, { path: 'inbox' }],
      settings: { 'deepfake.model': MISSING_MODEL },
    });
    return workspace;
  },
});
const { skip, window } = session;
after(() => session.close());

test('a workspace that is not trusted is scanned, without the model that it names', { skip }, async () => {
  await window.page.locator('.statusbar', { hasText: 'Restricted Mode' }).waitFor();
  // Commands are there when the extension's view is.
  await window.page.locator('.activitybar .action-label[aria-label^="Deepfake"]').waitFor();
  // VS Code reads a folder's settings some time after it has opened the window.
  await window.explorerItem('archive').click();
  await window.explorerItem(CLIP).waitFor();
  await window.explorerItem(HIDDEN).waitFor({ state: 'detached' });
  await window.run('Scan Workspace for Deepfakes');
  await window.page.locator('.statusbar', { hasText: 'Scanned: ' }).waitFor();
  await window.run('Deepfake: Group Findings by Folder');
});

test('each folder of a workspace has settings of its own', { skip }, async () => {
  await window.finding('archive, 1 file').waitFor();
  await window.finding('inbox, 2 files').waitFor();
  await window.run('Problems: Focus on Problems View');
  const problems = window.page.locator('.markers-panel .monaco-list-row', {
    hasText: 'Probably synthetic speech: probability',
  });
  await problems.nth(2).waitFor();
  assert.equal(await problems.locator('.codicon-error').count(), 1);
  assert.equal(await problems.locator('.codicon-info').count(), 2);
  await window.screenshot('workspace-restricted');
  await window.run('View: Toggle Panel Visibility');
  await window.run('View: Show Explorer');
  const badges = window.page.locator(
    '.explorer-folders-view .monaco-icon-label[aria-label*="Probably synthetic speech"]',
  );
  await badges.nth(1).waitFor();
  assert.equal(await badges.count(), 2);
});

test('what it names is in force when it is trusted', { skip }, async () => {
  await window.run('Workspaces: Manage Workspace Trust');
  await window.page.locator('.workspace-trust-editor').waitFor();
  await window.screenshot('workspace-trust');
  await window.page.locator('.workspace-trust-editor .monaco-button', { hasText: /^Trust$/ }).click();
  await window.page.locator('.statusbar', { hasText: 'Restricted Mode' }).waitFor({ state: 'detached' });
  await window.run('View: Close All Editors');
  await window.notification(MISSING_MODEL);
});

function writeJson(file: string, value: unknown): void {
  writeFileSync(file, JSON.stringify(value, null, 2));
}
