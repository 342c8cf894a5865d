import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import { messageOf } from '../../shared/errors.ts';
import type { Services } from '../services.ts';
import { withSlowProgress } from '../slowProgress.ts';
import { defaultReportsDir } from './deepfakeTask.ts';
import { openMetricsReport } from './metricsReport.ts';
import { pickDataset, rootOf } from './pickDataset.ts';

/** "Evaluate on Folder…": measures the model in use on labelled clips and opens the report. */
export async function evaluateOnFolder(services: Services, clicked?: vscode.Uri): Promise<void> {
  const dataRoot = clicked?.fsPath ?? (await pickDataset(vscode.l10n.t('Evaluate on Folder')));
  if (dataRoot === undefined) return;
  const reportsDir = join(rootOf(dataRoot), defaultReportsDir(dataRoot));
  try {
    await withSlowProgress(vscode.l10n.t('Evaluating the model'), async (token, report) => {
      const daemon = await services.daemon();
      const onProgress = (percentage: number | undefined, message: string | undefined) =>
        report(percentage ?? 0, message);
      const { reportFile, warnings } = await daemon.evaluate({ dataRoot, reportsDir }, { token, onProgress });
      for (const warning of warnings) services.log.warn(warning);
      if (warnings.length > 0) void vscode.window.showWarningMessage(warnings.join(' '));
      await openMetricsReport(services, vscode.Uri.file(reportFile), basename(dataRoot));
    });
  } catch (error) {
    void vscode.window.showErrorMessage(messageOf(error));
  }
}
