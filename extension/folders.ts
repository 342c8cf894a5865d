import { basename, relative } from 'node:path';
import * as vscode from 'vscode';

/** A folder of the user's choice. */
export async function pickFolder(title: string): Promise<string | undefined> {
  const [folder] =
    (await vscode.window.showOpenDialog({
      title,
      openLabel: vscode.l10n.t('Choose'),
      canSelectFiles: false,
      canSelectFolders: true,
      defaultUri: vscode.workspace.workspaceFolders?.[0]?.uri,
    })) ?? [];
  return folder?.fsPath;
}

/**
 * A folder as the explorer shows it: relative to its workspace folder, whose name comes first where there are several. Empty for the only
 * workspace folder itself; the whole path of a folder outside.
 */
export function shownFolder(folder: string): string {
  const root = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(folder));
  if (root === undefined) return folder;
  const local = relative(root.uri.fsPath, folder);
  const several = (vscode.workspace.workspaceFolders?.length ?? 0) > 1;
  if (several) return local === '' ? root.name : `${root.name}/${local}`;
  return local;
}

/** The same where something has to stand: the only workspace folder has its own name. */
export const folderLabel = (folder: string): string => shownFolder(folder) || basename(folder);
