import { readdir } from 'node:fs/promises';
import * as vscode from 'vscode';
import { isAudioPath } from '../audioTargets.ts';
import type { DeepfakeContext } from '../context.ts';

/** "Detect a Sample Clip…": a report on one of the clips that come with the extension. */
export async function detectSample(context: DeepfakeContext): Promise<void> {
  const folder = vscode.Uri.joinPath(context.extensionUri, 'media', 'samples');
  const names = (await readdir(folder.fsPath)).filter(isAudioPath);
  const items = names.map((name) => ({ label: sampleTitle(name), description: name, name }));
  const item = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Detect a Sample Clip'),
    placeHolder: vscode.l10n.t('The name says what the clip is; see whether the model agrees'),
  });
  if (item !== undefined) await context.reports.show(vscode.Uri.joinPath(folder, item.name));
}

/** genuine-woman-english.flac → Genuine woman english. */
function sampleTitle(name: string): string {
  const words = name.slice(0, name.lastIndexOf('.')).replaceAll('-', ' ');
  return words[0].toUpperCase() + words.slice(1);
}
