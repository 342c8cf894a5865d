import { readFile } from 'node:fs/promises';
import * as vscode from 'vscode';
import { PassingPanel } from '../contributions.ts';
import { panelIcon } from '../panelIcon.ts';
import type { Services } from '../services.ts';
import { metricsPage } from './metricsPage.ts';

/**
 * Opens a `report.html` in a page of its own. Reports its absence to the user.
 * @param name What was measured on, for the page's title.
 */
export async function openMetricsReport(
  { extensionUri }: Pick<Services, 'extensionUri'>,
  file: vscode.Uri,
  name: string,
): Promise<void> {
  let text: string;
  try {
    text = await readFile(file.fsPath, 'utf8');
  } catch {
    void vscode.window.showErrorMessage(
      vscode.l10n.t('There is no report at {0} any more: train or evaluate again.', file.fsPath),
    );
    return;
  }
  const title = vscode.l10n.t('Metrics on {0}', name);
  const panel = vscode.window.createWebviewPanel(PassingPanel.metrics, title, vscode.ViewColumn.Active, {
    enableFindWidget: true,
    enableScripts: false,
    localResourceRoots: [],
  });
  panel.iconPath = panelIcon(extensionUri, 'training');
  panel.webview.html = metricsPage(text);
}
