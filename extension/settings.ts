import { isAbsolute, join } from 'node:path';
import * as vscode from 'vscode';
import { Setting, type SettingId, type Settings } from './contributions.ts';

/** What the daemon is told when it starts. */
export interface DaemonOptions {
  ffmpegPath?: string;
  /** Absent: the shipped model. */
  checkpoint?: string;
  device?: string;
}

/** @param scope The file or folder concerned, for settings that a workspace folder may have for itself. */
export function readSetting<K extends SettingId>(id: K, scope?: vscode.Uri): Settings[K] {
  return vscode.workspace.getConfiguration(undefined, scope).get(id) as Settings[K];
}

/** The settings that take effect when the daemon starts; the model is replaced while it runs. */
export const START_SETTINGS: readonly SettingId[] = [Setting.ffmpegPath, Setting.device];

export function daemonOptions(): DaemonOptions {
  return {
    ffmpegPath: absolutePath(readSetting(Setting.ffmpegPath)),
    checkpoint: absolutePath(readSetting(Setting.model)),
    device: readSetting(Setting.device),
  };
}

/** A relative path counts from the first workspace folder; an empty one is none. */
function absolutePath(path: string): string | undefined {
  const trimmed = path.trim();
  if (trimmed === '') return undefined;
  const folder = vscode.workspace.workspaceFolders?.[0];
  return isAbsolute(trimmed) || folder === undefined ? trimmed : join(folder.uri.fsPath, trimmed);
}
