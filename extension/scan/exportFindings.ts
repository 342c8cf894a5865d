import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { messageOf } from '../../shared/errors.ts';
import type { DeepfakeContext } from '../context.ts';
import { withSlowProgress } from '../slowProgress.ts';
import { countText } from './scanProgress.ts';

const FORMATS = [
  {
    extension: 'html',
    label: 'HTML',
    detail: () => vscode.l10n.t('A page to read, with filter and sorting'),
  },
  { extension: 'csv', label: 'CSV', detail: () => vscode.l10n.t('A table for spreadsheets') },
  { extension: 'json', label: 'JSON', detail: () => vscode.l10n.t('Every verdict in full') },
  {
    extension: 'sarif',
    label: 'SARIF 2.1.0',
    detail: () => vscode.l10n.t('For code scanning and other tools'),
  },
];

/** "Export Findings…": asks for format and place, and has the daemon write what is shown. */
export async function exportFindings(context: DeepfakeContext): Promise<void> {
  const shown = context.scans.tree.shown();
  if (shown.length === 0) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('There are no findings to export. Scan a folder first.'),
    );
    return;
  }
  const format = await vscode.window.showQuickPick(
    FORMATS.map(({ extension, label, detail }) => ({ label, detail: detail(), extension })),
    { title: vscode.l10n.t('Export {0} findings', countText(shown.length)) },
  );
  if (format === undefined) return;
  const base = baseFolder(shown[0].file);
  const output = await vscode.window.showSaveDialog({
    defaultUri: vscode.Uri.file(join(base, `deepfake-findings.${format.extension}`)),
    filters: { [format.label]: [format.extension] },
  });
  if (output === undefined) return;
  try {
    await withSlowProgress(vscode.l10n.t('Writing {0}', output.fsPath), async (token, report) => {
      const daemon = await context.daemon();
      await daemon.scanReport(
        {
          files: shown.map(({ file }) => file),
          output: output.fsPath,
          paths: [...context.scans.findings.scanned],
          base,
        },
        { token, onProgress: (percentage, message) => report(percentage ?? 0, message) },
      );
      void offerToOpen(output, shown.length);
    });
  } catch (error) {
    void vscode.window.showErrorMessage(messageOf(error));
  }
}

async function offerToOpen(output: vscode.Uri, count: number): Promise<void> {
  const open = vscode.l10n.t('Open');
  const message = vscode.l10n.t('{0} findings were written to {1}', countText(count), output.fsPath);
  if ((await vscode.window.showInformationMessage(message, open)) !== open) return;
  const local = vscode.env.remoteName === undefined && vscode.env.uiKind === vscode.UIKind.Desktop;
  if (output.path.endsWith('.html') && local) void vscode.env.openExternal(output);
  else void vscode.commands.executeCommand('vscode.open', output);
}

/** The workspace folder of a file, or the file's own. */
function baseFolder(file: string): string {
  return vscode.workspace.getWorkspaceFolder(vscode.Uri.file(file))?.uri.fsPath ?? dirname(file);
}
