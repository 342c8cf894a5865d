// Runs inside the extension host of VS Code, which calls `run` and takes a rejection for a failure.
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { Command, TOOL_NAME } from '../../extension/contributions.ts';

const EXTENSION = 'deepfake-audio.deepfake-audio';
const CLIP = 'synthetic-hibari-english.ogg';
const LIMIT_MS = 30_000;

/** The checks, in order; each is a sentence about the extension in the window. */
const checks: [string, () => Promise<void>][] = [
  [
    'the extension is there and can be activated',
    async () => {
      const extension = vscode.extensions.getExtension(EXTENSION);
      assert.ok(extension, `${EXTENSION} is not installed`);
      await extension.activate();
      assert.equal(extension.isActive, true);
    },
  ],
  [
    'every command that the code knows is registered',
    async () => {
      const registered = new Set(await vscode.commands.getCommands(true));
      assert.deepEqual(
        Object.values(Command).filter((id) => !registered.has(id)),
        [],
      );
    },
  ],
  [
    'the settings have their defaults',
    async () => {
      const settings = vscode.workspace.getConfiguration('deepfake');
      assert.equal(settings.get('device'), 'auto');
      assert.equal(settings.get('model'), '');
    },
  ],
  [
    'a file of the folder is detected in a report of its own',
    async () => {
      const [folder] = vscode.workspace.workspaceFolders ?? assert.fail('no folder is open');
      await vscode.commands.executeCommand(Command.detect, vscode.Uri.joinPath(folder.uri, CLIP));
      await until(() => tabLabels().some((label) => label.startsWith(CLIP)));
    },
  ],
  [
    'a language model is offered the tool, and gets a verdict in words and figures',
    async () => {
      const tool = vscode.lm.tools.find(({ name }) => name === TOOL_NAME);
      assert.ok(tool, `the tools are ${vscode.lm.tools.map(({ name }) => name).join(', ')}`);
      const [words, figures] = await askTool(CLIP);
      assert.match(words, /hint.*not proof/);
      const { decision, deepfake_probability } = JSON.parse(figures);
      assert.ok(['Deepfake', 'Genuine', 'Inconclusive'].includes(decision), decision);
      assert.ok(deepfake_probability > 0 && deepfake_probability < 1);
    },
  ],
  [
    'a language model gets nothing from outside the workspace',
    async () => {
      await assert.rejects(askTool('../../README.md'), /only files of the open folders/);
    },
  ],
  [
    'tasks of our type can be asked for',
    async () => {
      assert.ok(Array.isArray(await vscode.tasks.fetchTasks({ type: 'deepfake' })));
    },
  ],
];

/** Rejects with the first check that fails. */
export async function run(): Promise<void> {
  for (const [sentence, check] of checks) {
    try {
      await check();
      console.log(`ok: ${sentence}`);
    } catch (error) {
      console.error(`not ok: ${sentence}: ${error instanceof Error ? error.message : error}`);
      throw error;
    }
  }
}

/** What the tool answers about a file, part by part. */
async function askTool(path: string): Promise<string[]> {
  const { content } = await vscode.lm.invokeTool(TOOL_NAME, {
    input: { path },
    toolInvocationToken: undefined,
  });
  return content.map((part) => (part as vscode.LanguageModelTextPart).value);
}

const tabLabels = () => vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.map(({ label }) => label));

/** Waits until something holds that VS Code tells of by changed tabs. */
async function until(holds: () => boolean): Promise<void> {
  if (holds()) return;
  await new Promise<void>((resolve, reject) => {
    const limit = setTimeout(() => {
      listener.dispose();
      reject(new Error(`not within ${LIMIT_MS / 1000} s; open tabs: ${tabLabels().join(', ')}`));
    }, LIMIT_MS);
    const listener = vscode.window.tabGroups.onDidChangeTabs(() => {
      if (!holds()) return;
      clearTimeout(limit);
      listener.dispose();
      resolve();
    });
  });
}
