import { extname } from 'node:path';
import { AUDIO_EXTENSIONS } from '../shared/audioFiles.ts';

/** Reports opened by one command; more is a job for a scan. */
export const MAX_REPORTS = 8;

/** The part of vscode.Uri that matters here. */
export interface UriLike {
  scheme: string;
  path: string;
}

/** Whether a file name promises audio, whatever is inside. */
export function isAudioPath(path: string): boolean {
  return (AUDIO_EXTENSIONS as readonly string[]).includes(extname(path).toLowerCase());
}

/**
 * The files that a menu command is about. VS Code passes the item clicked and, from the explorer, the whole selection,
 * which may hold files that are not audio; the item clicked is taken as it is.
 */
export function selectedFiles<U extends UriLike>(
  clicked: U | undefined,
  selection: readonly U[] | undefined,
): U[] {
  if (clicked === undefined) return [];
  const isInSelection = selection?.some((uri) => uri.path === clicked.path) ?? false;
  if (selection === undefined || !isInSelection || selection.length === 1) return [clicked];
  return selection.filter((uri) => isAudioPath(uri.path));
}
