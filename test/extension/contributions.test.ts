import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';
import {
  audioFileClause,
  Colour,
  Command,
  CustomEditor,
  Setting,
  TASK_TYPE,
  TOOL_NAME,
  View,
  WebviewPanel,
} from '../../extension/contributions.ts';
import { TASK_OPTIONS } from '../../extension/training/deepfakeTask.ts';
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
  assert.deepEqual(manifest.activationEvents, ['onStartupFinished', ...events]);
});

test('menus name declared commands, and those for audio show them for every audio extension', () => {
  const clause = audioFileClause(AUDIO_EXTENSIONS);
  for (const items of Object.values<{ command: string; when: string }[]>(contributes.menus)) {
    for (const { command, when } of items) {
      assert.ok(Object.values<string>(Command).includes(command), command);
      if (command === Command.detect) assert.ok(when.startsWith(clause), when);
    }
  }
});

test('a task may have every option that the code knows, and no others', () => {
  const [{ type, required, properties }] = contributes.taskDefinitions;
  assert.equal(type, TASK_TYPE);
  assert.deepEqual(required, ['command', 'dataRoot']);
  assert.deepEqual(
    Object.keys(properties).sort(),
    ['command', 'dataRoot', ...Object.keys(TASK_OPTIONS)].sort(),
  );
});

test('the tool for language models takes what the code reads', () => {
  const [tool] = contributes.languageModelTools;
  assert.equal(tool.name, TOOL_NAME);
  assert.deepEqual(tool.inputSchema.required, Object.keys(tool.inputSchema.properties));
});

test('the walkthrough names commands that exist and pictures that are there', () => {
  const [{ steps }] = contributes.walkthroughs;
  for (const { id, description, media, completionEvents } of steps) {
    const linked = [...texts[description.slice(1, -1)].matchAll(/\(command:([\w.]+)\)/g)].map(
      ([, name]) => name,
    );
    const events = completionEvents.map((event: string) => event.replace('onCommand:', ''));
    assert.ok(linked.length > 0, id);
    for (const name of [...linked, ...events]) assert.ok(Object.values<string>(Command).includes(name), name);
    assert.ok(existsSync(join(packageRoot, media.svg)), media.svg);
  }
});

test('settings that name programs, models or servers or start work unasked are ignored in workspaces that are not trusted', () => {
  const { restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
  const unrestricted = Object.values(Setting).filter((id) => !restrictedConfigurations.includes(id));
  assert.deepEqual(unrestricted.sort(), [
    Setting.badges,
    Setting.problemsDeepfake,
    Setting.problemsInconclusive,
    Setting.scanExclude,
  ]);
});

test('every text that package.json shows to people is in package.nls.json, and nothing else is', () => {
  const placeholders = JSON.stringify({ contributes, capabilities }).matchAll(/"%([^%"]+)%"/g);
  const used = new Set([...placeholders].map(([, key]) => key));
  assert.deepEqual([...used].sort(), Object.keys(texts).sort());
  const shown =
    /"(?:title|category|description|markdownDescription|enumDescriptions|shortTitle|name|label|contents)":"[^%]/;
  const tools = contributes.languageModelTools.map(({ name: _, ...tool }: { name: string }) => tool);
  assert.doesNotMatch(
    JSON.stringify({ contributes: { ...contributes, languageModelTools: tools }, capabilities }),
    shown,
  );
});

test('package.json declares the views, editors and colours of the code and no others', () => {
  const ids = (items: { id: string }[]) => items.map(({ id }) => id).sort();
  assert.deepEqual(
    ids(Object.values(contributes.views).flat() as { id: string }[]),
    Object.values(View).sort(),
  );
  assert.deepEqual(ids(contributes.colors), Object.values(Colour).sort());
  const [{ viewType, selector, priority }] = contributes.customEditors;
  assert.equal(viewType, CustomEditor.report);
  assert.equal(priority, 'option', 'audio files open in the player, as before');
  const patterns = selector.map(({ filenamePattern }: { filenamePattern: string }) => filenamePattern);
  assert.deepEqual(
    patterns,
    AUDIO_EXTENSIONS.map((extension) => `*${extension}`),
  );
});

test('texts of package.json with links name commands that exist', () => {
  for (const text of Object.values<string>(texts)) {
    for (const [, command] of text.matchAll(/\(command:([\w.]+)\)/g)) {
      assert.ok(command.startsWith('vscode.') || Object.values<string>(Command).includes(command), command);
    }
  }
});
