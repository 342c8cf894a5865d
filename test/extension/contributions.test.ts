import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';
import { audioFileClause, Command, Setting, WebviewPanel } from '../../extension/contributions.ts';
import { AUDIO_EXTENSIONS } from '../../shared/audioFiles.ts';

const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
const texts = JSON.parse(readFileSync(join(packageRoot, 'package.nls.json'), 'utf8'));
const { contributes, capabilities } = manifest;

test('package.json declares the commands of the code and no others', () => {
  const declared = contributes.commands.map(({ command }: { command: string }) => command);
  assert.deepEqual(declared.sort(), Object.values(Command).sort());
});

test('package.json declares the settings of the code and no others', () => {
  assert.deepEqual(Object.keys(contributes.configuration.properties).sort(), Object.values(Setting).sort());
});

test('every kind of webview panel wakes the extension, so that it comes back after a reload', () => {
  const events = Object.values(WebviewPanel).map((type) => `onWebviewPanel:${type}`);
  assert.deepEqual(manifest.activationEvents, events);
});

test('menus name declared commands and show them for every audio extension', () => {
  const clause = audioFileClause(AUDIO_EXTENSIONS);
  for (const items of Object.values<{ command: string; when: string }[]>(contributes.menus)) {
    for (const { command, when } of items) {
      assert.ok(Object.values<string>(Command).includes(command), command);
      assert.ok(when.startsWith(clause), when);
    }
  }
});

test('settings that name programs or models are ignored in workspaces that are not trusted', () => {
  const { restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
  assert.deepEqual(restrictedConfigurations.sort(), Object.values(Setting).sort());
});

test('every text that package.json shows to people is in package.nls.json, and nothing else is', () => {
  const placeholders = JSON.stringify({ contributes, capabilities }).matchAll(/"%([^%"]+)%"/g);
  const used = new Set([...placeholders].map(([, key]) => key));
  assert.deepEqual([...used].sort(), Object.keys(texts).sort());
  const shown =
    /"(?:title|category|description|markdownDescription|enumDescriptions|shortTitle|name|label|contents)":"[^%]/;
  assert.doesNotMatch(JSON.stringify({ contributes, capabilities }), shown);
});
