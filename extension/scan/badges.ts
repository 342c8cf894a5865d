import * as vscode from 'vscode';
import { NOT_READ } from '../../shared/scanPage.ts';
import { Colour, Setting } from '../contributions.ts';
import { readSetting } from '../settings.ts';
import { Throttle } from '../throttle.ts';
import { findingText } from './finding.ts';
import type { Findings } from './findings.ts';

const UPDATE_MS = 400;

/** Letters beside files in the explorer: D for Deepfake, ? for Inconclusive; nothing for what is in order. */
export class Badges implements vscode.FileDecorationProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeFileDecorations = this.changed.event;
  private readonly update = new Throttle(UPDATE_MS, () => this.changed.fire(undefined));
  private readonly subscriptions: vscode.Disposable[];

  constructor(private readonly findings: Findings) {
    this.subscriptions = [
      vscode.window.registerFileDecorationProvider(this),
      findings.onDidChange(() => this.update.schedule()),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration(Setting.badges)) this.update.schedule();
      }),
    ];
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    if (uri.scheme !== 'file') return undefined;
    const finding = this.findings.get(uri.fsPath);
    if (finding === undefined || finding.outdated || !readSetting(Setting.badges, uri)) return undefined;
    switch (finding.outcome) {
      case 'Deepfake': {
        const decoration = new vscode.FileDecoration(
          'D',
          findingText(finding),
          new vscode.ThemeColor(Colour.deepfake),
        );
        decoration.propagate = true;
        return decoration;
      }
      case 'Inconclusive':
        return new vscode.FileDecoration('?', findingText(finding));
      case NOT_READ:
      case 'Genuine':
        return undefined;
    }
  }

  dispose(): void {
    this.update.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
    this.changed.dispose();
  }
}
