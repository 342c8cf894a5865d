import * as vscode from 'vscode';
import { AUDIO_EXTENSIONS } from '../shared/audioFiles.ts';
import { isAudioPath, MAX_REPORTS, selectedFiles } from './audioTargets.ts';
import type { DeepfakeContext } from './context.ts';
import { withSlowProgress } from './slowProgress.ts';

/** "Detect Deepfake": a report for each file chosen. */
export async function detect(
  context: DeepfakeContext,
  clicked?: vscode.Uri,
  selection?: readonly vscode.Uri[],
): Promise<void> {
  // The title bar of an editor passes something else as its second argument.
  const selected = Array.isArray(selection) ? selection : undefined;
  const files = clicked === undefined ? await activeOrPickedFiles() : selectedFiles(clicked, selected);
  const onDisk = files.filter((uri) => uri.scheme === 'file');
  if (onDisk.length < files.length) {
    void vscode.window.showErrorMessage(
      vscode.l10n.t('Only files on a disk can be examined. Save the file to a folder first.'),
    );
  }
  if (onDisk.length > MAX_REPORTS) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t(
        'Reports are opened for the first {0} of the {1} files selected.',
        MAX_REPORTS,
        onDisk.length,
      ),
    );
  }
  const shown = onDisk.slice(0, MAX_REPORTS);
  if (shown.length === 0) return;
  const title =
    shown.length === 1
      ? vscode.l10n.t('Detecting deepfake')
      : vscode.l10n.t('Detecting deepfakes in {0} files', shown.length);
  await withSlowProgress(title, async (token, report) => {
    let done = 0;
    await Promise.all(
      shown.map(async (uri, index) => {
        await context.reports.show(uri, { token, preserveFocus: index > 0 });
        report(
          (100 * ++done) / shown.length,
          shown.length === 1 ? undefined : vscode.l10n.t('{0} of {1}', done, shown.length),
        );
      }),
    );
  });
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
