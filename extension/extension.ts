import { config as configureTranslations } from '@vscode/l10n';
import * as vscode from 'vscode';
import { messageOf } from '../shared/errors.ts';
import { showActions } from './client/statusActions.ts';
import { DeepfakeContext } from './context.ts';
import {
  Command,
  type CommandId,
  CustomEditor,
  InternalCommand,
  TASK_TYPE,
  TOOL_NAME,
  WebviewPanel,
} from './contributions.ts';
import { DetectTool } from './languageModelTool.ts';
import { exportOnnx, importModel, selectModel, useModel } from './model/modelCommands.ts';
import { detect } from './report/detectCommand.ts';
import { detectSample } from './report/sampleCommand.ts';
import { scanCommands } from './scan/scanCommands.ts';
import { evaluateOnFolder } from './training/evaluateCommand.ts';
import { DeepfakeTaskProvider } from './training/taskProvider.ts';
import { trainDetector } from './training/trainCommand.ts';

let context: DeepfakeContext | undefined;

/** Registers what package.json promises. Nothing is loaded or started before it is asked for. */
export function activate(extension: vscode.ExtensionContext): void {
  const { subscriptions } = extension;
  // For the texts of what knows nothing of VS Code; the rest uses vscode.l10n.
  if (vscode.l10n.bundle !== undefined) configureTranslations({ contents: vscode.l10n.bundle });
  const active = new DeepfakeContext(extension);
  context = active;
  const handlers: Record<CommandId, (...args: never[]) => unknown> = {
    [Command.detect]: (clicked?: vscode.Uri, selection?: vscode.Uri[]) => detect(active, clicked, selection),
    [Command.restartDaemon]: () => restartDaemon(active),
    [Command.showLog]: () => active.log.show(),
    [Command.showActions]: async () => showActions(await active.daemonState()),
    [Command.detectSample]: () => detectSample(active),
    [Command.train]: (folder?: vscode.Uri) => trainDetector(active, folder),
    [Command.showTraining]: () => active.trainings.showLatest(),
    [Command.evaluate]: (folder?: vscode.Uri) => evaluateOnFolder(active, folder),
    [Command.selectModel]: () => selectModel(active),
    [Command.useModel]: (checkpoint: vscode.Uri) => useModel(active, checkpoint.fsPath),
    [Command.importModel]: (file?: vscode.Uri) => importModel(active, file),
    [Command.exportOnnx]: (checkpoint?: vscode.Uri) => exportOnnx(active, checkpoint),
    ...scanCommands(active),
  };
  for (const [id, handler] of Object.entries(handlers)) {
    subscriptions.push(vscode.commands.registerCommand(id, handler));
  }
  subscriptions.push(
    vscode.window.registerWebviewPanelSerializer(WebviewPanel.report, active.reports),
    vscode.window.registerCustomEditorProvider(CustomEditor.report, active.reports),
    vscode.commands.registerCommand(InternalCommand.showMore, (id: string) => active.scans.tree.showMore(id)),
    vscode.window.registerWebviewPanelSerializer(WebviewPanel.training, active.trainings.panels),
    vscode.tasks.registerTaskProvider(TASK_TYPE, new DeepfakeTaskProvider(active.trainings)),
  );
  registerLanguageModelTool(active);
}

/** Hosts without language models lack the function. */
function registerLanguageModelTool(active: DeepfakeContext): void {
  if (typeof vscode.lm?.registerTool !== 'function') return;
  const folders = () => (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
  const tool = new DetectTool(vscode, folders, async (file, token) =>
    (await active.daemon()).classify({ files: [file] }, { token }),
  );
  active.add(vscode.lm.registerTool(TOOL_NAME, tool));
}

export async function deactivate(): Promise<void> {
  await context?.dispose();
  context = undefined;
}

async function restartDaemon(active: DeepfakeContext): Promise<void> {
  const daemon = await active.daemon();
  try {
    await daemon.restart();
  } catch (error) {
    // DaemonClient has told the user.
    active.log.debug(`Restart: ${messageOf(error)}`);
  }
}
