import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import type { ReportState } from '../../media/report/messages.ts';
import { CustomEditor, WebviewPanel } from '../contributions.ts';
import type { Services } from '../services.ts';
import { ReportPanel } from './reportPanel.ts';

export interface ShowOptions {
  token?: vscode.CancellationToken;
  /** Leave the focus where it is. */
  preserveFocus?: boolean;
}

/** The open reports: one panel per file, and one read-only editor where the user opens files with it. */
export class Reports
  implements
    vscode.WebviewPanelSerializer<ReportState | undefined>,
    vscode.CustomReadonlyEditorProvider,
    vscode.Disposable
{
  private readonly open = new Map<string, ReportPanel>();

  constructor(private readonly services: Services) {}

  /** Opens or reveals the report of a file and examines the file; resolves when the report shows the outcome. */
  async show(file: vscode.Uri, { token, preserveFocus }: ShowOptions = {}): Promise<void> {
    let report = this.open.get(file.toString());
    if (report === undefined) {
      const column = vscode.window.activeTextEditor?.viewColumn ?? vscode.ViewColumn.Active;
      const panel = vscode.window.createWebviewPanel(
        WebviewPanel.report,
        reportTitle(file),
        { viewColumn: column, preserveFocus },
        { enableFindWidget: true, ...webviewOptions(file) },
      );
      report = this.adopt(file, panel);
    } else {
      report.panel.reveal(undefined, preserveFocus);
    }
    await report.detect(token);
  }

  /**
   * Shows the report of a file from a list: its panel where there is one, or else an editor that the next file from the
   * list replaces.
   */
  async peek(file: vscode.Uri): Promise<void> {
    const report = this.open.get(file.toString());
    if (report !== undefined) {
      report.panel.reveal(undefined, true);
      return;
    }
    const options: vscode.TextDocumentShowOptions = { preview: true, preserveFocus: true };
    await vscode.commands.executeCommand('vscode.openWith', file, CustomEditor.report, options);
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => {} };
  }

  resolveCustomEditor({ uri }: vscode.CustomDocument, panel: vscode.WebviewPanel): void {
    panel.webview.options = webviewOptions(uri);
    const report = new ReportPanel(this.services, uri, panel);
    panel.onDidDispose(() => report.dispose());
    void report.detect();
  }

  /** After a reload of the window: examines the file again. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: ReportState | undefined): Promise<void> {
    if (state === undefined) {
      panel.dispose();
      return;
    }
    const file = vscode.Uri.parse(state.uri);
    panel.webview.options = webviewOptions(file);
    const report = this.adopt(file, panel);
    // VS Code waits for this method before it shows the panel.
    void report.detect();
  }

  dispose(): void {
    for (const report of [...this.open.values()]) report.panel.dispose();
  }

  private adopt(file: vscode.Uri, panel: vscode.WebviewPanel): ReportPanel {
    const report = new ReportPanel(this.services, file, panel);
    this.open.set(file.toString(), report);
    panel.onDidDispose(() => {
      this.open.delete(file.toString());
      report.dispose();
    });
    return report;
  }
}

function reportTitle(file: vscode.Uri): string {
  return vscode.l10n.t('{0} – deepfake report', basename(file.fsPath));
}

const webviewOptions = (file: vscode.Uri): vscode.WebviewOptions => ({
  enableScripts: true,
  localResourceRoots: [vscode.Uri.file(dirname(file.fsPath))],
});
