import * as vscode from 'vscode';
import { Command, ContextKey, StatusItem } from '../contributions.ts';
import { Throttle } from '../throttle.ts';
import type { Scanner } from './scanner.ts';
import { progressText, type ScanProgress } from './scanProgress.ts';

/** A scan that is done by then leaves the status bar alone; later the item is rewritten at this pace. */
const UPDATE_MS = 400;

/** The status bar item of a scan: how far it is, and a click that stops it. */
export function createScanStatusItem(scanner: Scanner): vscode.Disposable {
  const item = vscode.window.createStatusBarItem(StatusItem.scan, vscode.StatusBarAlignment.Left);
  item.name = vscode.l10n.t('Deepfake scan');
  item.command = Command.cancelScan;
  let latest: ScanProgress | undefined;
  let scanning = false;
  const update = new Throttle(UPDATE_MS, () => {
    if (latest === undefined) return;
    const text = progressText(latest);
    item.text = `$(loading~spin) ${text}`;
    const hint = vscode.l10n.t('Click to stop. What has been found is kept.');
    item.tooltip = `${vscode.l10n.t('Scanning for deepfakes')}\n${hint}`;
    item.accessibilityInformation = {
      label: `${vscode.l10n.t('Scanning for deepfakes')}: ${text}. ${hint}`,
      role: 'button',
    };
    item.show();
  });
  const subscription = scanner.onDidChangeProgress((progress) => {
    latest = progress;
    if (progress === undefined) {
      update.dispose();
      item.hide();
    } else {
      update.schedule();
    }
    if (scanning === (progress !== undefined)) return;
    scanning = progress !== undefined;
    void vscode.commands.executeCommand('setContext', ContextKey.scanning, scanning);
  });
  return vscode.Disposable.from(item, subscription, update);
}
