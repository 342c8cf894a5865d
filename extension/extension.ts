import { config as configureTranslations } from '@vscode/l10n';
import * as vscode from 'vscode';
import { messageOf } from '../shared/errors.ts';
import { DeepfakeContext } from './context.ts';
import { Command, type CommandId, WebviewPanel } from './contributions.ts';
import { detect } from './detectCommand.ts';

let context: DeepfakeContext | undefined;

/** Registers what package.json promises. Nothing is loaded or started before it is asked for. */
export function activate({ extensionUri, subscriptions }: vscode.ExtensionContext): void {
  // For the texts of what knows nothing of VS Code; the rest uses vscode.l10n.
  if (vscode.l10n.bundle !== undefined) configureTranslations({ contents: vscode.l10n.bundle });
  const active = new DeepfakeContext(extensionUri);
  context = active;
  const handlers: Record<CommandId, (...args: never[]) => unknown> = {
    [Command.detect]: (clicked?: vscode.Uri, selection?: vscode.Uri[]) => detect(active, clicked, selection),
    [Command.restartDaemon]: () => restartDaemon(active),
    [Command.showLog]: () => active.log.show(),
  };
  for (const [id, handler] of Object.entries(handlers)) {
    subscriptions.push(vscode.commands.registerCommand(id, handler));
  }
  subscriptions.push(vscode.window.registerWebviewPanelSerializer(WebviewPanel.report, active.reports));
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
