import * as vscode from 'vscode';
import { Command, StatusItem } from '../contributions.ts';
import { DisposableStore } from '../disposables.ts';
import type { DaemonClient } from './daemonClient.ts';
import { statusLook } from './daemonState.ts';

/** The status bar item that follows the daemon's state. It exists only once the daemon has been used. */
export function createStatusItem(daemon: DaemonClient): vscode.Disposable {
  const owned = new DisposableStore();
  const item = owned.add(
    vscode.window.createStatusBarItem(StatusItem.daemon, vscode.StatusBarAlignment.Right),
  );
  item.name = vscode.l10n.t('Deepfake detector');
  item.command = Command.showActions;
  const update = () => {
    const look = statusLook(daemon.state);
    if (look === undefined) {
      item.hide();
      return;
    }
    item.text = look.text;
    item.tooltip = look.tooltip;
    item.accessibilityInformation = { label: look.tooltip, role: 'button' };
    item.backgroundColor = look.warning
      ? new vscode.ThemeColor('statusBarItem.warningBackground')
      : undefined;
    item.show();
  };
  owned.add(daemon.onDidChangeState(update));
  update();
  return owned;
}
