import * as vscode from 'vscode';
import { AUDIO_EXTENSIONS } from '../../shared/audioFiles.ts';
import { isAudioPath, MAX_CARDS, selectedFiles } from '../audioTargets.ts';
import type { DeepfakeContext } from '../context.ts';
import { Command } from '../contributions.ts';
import { withSlowProgress } from '../slowProgress.ts';

/** "Detect Deepfake": the report of a file, a card for each of several, or a scan of many. */
export async function detect(
  context: DeepfakeContext,
  clicked?: unknown,
  selection?: readonly vscode.Uri[],
): Promise<void> {
  // The title bar of an editor passes its group as the second argument, or, while the editor is being opened, as the first.
  const selected = Array.isArray(selection) ? selection : undefined;
  const files =
    clicked instanceof vscode.Uri ? selectedFiles(clicked, selected) : await activeOrPickedFiles();
  const onDisk = files.filter((uri) => uri.scheme === 'file');
  if (onDisk.length < files.length) {
    void vscode.window.showErrorMessage(
      vscode.l10n.t('Only files on a disk can be examined. Save the file to a folder first.'),
    );
  }
  if (onDisk.length > MAX_CARDS) {
    await vscode.commands.executeCommand(Command.scan, onDisk[0], onDisk);
  } else if (onDisk.length > 1) {
    await context.results.show(onDisk);
  } else if (onDisk.length === 1) {
    const [file] = onDisk;
    await withSlowProgress(vscode.l10n.t('Detecting deepfake'), (token) =>
      context.reports.show(file, { token }),
    );
  }
}

async function activeOrPickedFiles(): Promise<vscode.Uri[]> {
  const active = activeFile();
  if (active !== undefined && isAudioPath(active.path)) return [active];
  const picked = await vscode.window.showOpenDialog({
    title: vscode.l10n.t('Detect Deepfake'),
    openLabel: vscode.l10n.t('Detect'),
    canSelectMany: true,
    filters: {
      [vscode.l10n.t('Audio files')]: AUDIO_EXTENSIONS.map((extension) => extension.slice(1)),
      [vscode.l10n.t('All files')]: ['*'],
    },
  });
  return picked ?? [];
}

/** The file of the active tab. Audio files open in VS Code's player, which is no text editor. */
function activeFile(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof vscode.TabInputCustom || input instanceof vscode.TabInputText
    ? input.uri
    : undefined;
}
