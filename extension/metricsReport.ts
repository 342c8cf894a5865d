import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import { metricsPage } from './metricsPage.ts';

const VIEW_TYPE = 'deepfake.metricsReport';

/** Opens a `report.html` in a page of its own. Reports its absence to the user. */
export async function openMetricsReport(file: vscode.Uri): Promise<void> {
  let text: string;
  try {
    text = await readFile(file.fsPath, 'utf8');
  } catch {
    void vscode.window.showErrorMessage(
      vscode.l10n.t('There is no report at {0} any more: train or evaluate again.', file.fsPath),
    );
    return;
  }
  const title = vscode.l10n.t('Metrics: {0}', basename(dirname(file.fsPath)));
  const panel = vscode.window.createWebviewPanel(VIEW_TYPE, title, vscode.ViewColumn.Active, {
    enableFindWidget: true,
    enableScripts: false,
    localResourceRoots: [],
  });
  panel.webview.html = metricsPage(text);
}
