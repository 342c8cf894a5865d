import * as vscode from 'vscode';
import { Command, type CommandId } from '../contributions.ts';
import type { DaemonState } from './daemonState.ts';

/** The list behind the status bar item: what can be done about the detector now, the most likely first. */
export async function showActions(state: DaemonState): Promise<void> {
  const item = await vscode.window.showQuickPick(actions(state), {
    title: vscode.l10n.t('Deepfake detector'),
    placeHolder: placeholder(state),
  });
  if (item !== undefined) await vscode.commands.executeCommand(item.command, ...item.arguments);
}

interface ActionItem extends vscode.QuickPickItem {
  command: CommandId | 'workbench.action.openSettings';
  arguments: unknown[];
}

function actions(state: DaemonState): ActionItem[] {
  const item = (
    icon: string,
    label: string,
    command: ActionItem['command'],
    description?: string,
    ...args: unknown[]
  ): ActionItem => ({ label: `$(${icon}) ${label}`, description, command, arguments: args });
  const model = 'model' in state ? state.model.name : undefined;
  const restart = item('debug-restart', vscode.l10n.t('Restart detector'), Command.restartDaemon);
  const log = item('output', vscode.l10n.t('Show log'), Command.showLog);
  const select = item('circuit-board', vscode.l10n.t('Select model…'), Command.selectModel, model);
  const rest = [
    item('search', vscode.l10n.t('Scan workspace'), Command.scanWorkspace),
    item('beaker', vscode.l10n.t('Train a detector…'), Command.train),
    item('graph', vscode.l10n.t('Evaluate on folder…'), Command.evaluate),
    item('gear', vscode.l10n.t('Settings'), 'workbench.action.openSettings', undefined, 'deepfake'),
  ];
  return state.kind === 'error' ? [restart, log, select, ...rest] : [select, ...rest, restart, log];
}

function placeholder(state: DaemonState): string {
  switch (state.kind) {
    case 'stopped':
      return vscode.l10n.t('The detector starts when it is needed');
    case 'starting':
      return vscode.l10n.t('The detector is starting');
    case 'ready':
    case 'busy':
      return vscode.l10n.t('Model: {0}', state.model.name);
    case 'error':
      return state.message;
  }
}
