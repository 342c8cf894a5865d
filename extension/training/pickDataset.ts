import * as vscode from 'vscode';
import { pickFolder } from '../folders.ts';
import { findDatasetFolders } from './datasetFolders.ts';

/** A folder of the workspace that looks like labelled data, or any other. */
export async function pickDataset(title: string): Promise<string | undefined> {
  const roots = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
  const found = (await Promise.all(roots.map(({ uri }) => findDatasetFolders(uri.fsPath)))).flat();
  const browse = vscode.l10n.t('The folder with labelled clips');
  if (found.length === 0) return pickFolder(browse);
  const items = [
    ...found.map((folder) => ({ label: `$(folder) ${vscode.workspace.asRelativePath(folder)}`, folder })),
    { label: `$(folder-opened) ${vscode.l10n.t('Another folder…')}`, folder: undefined },
  ];
  const item = await vscode.window.showQuickPick(items, { title, placeHolder: browse });
  return item === undefined ? undefined : (item.folder ?? pickFolder(browse));
}

/** The workspace folder that paths count from: the one with the data, else the first, else the data itself. */
export function rootOf(dataRoot: string): string {
  const folder =
    vscode.workspace.getWorkspaceFolder(vscode.Uri.file(dataRoot)) ?? vscode.workspace.workspaceFolders?.[0];
  return folder?.uri.fsPath ?? dataRoot;
}
