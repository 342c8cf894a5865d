import { extname } from 'node:path';
import { AUDIO_EXTENSIONS } from '../shared/audioFiles.ts';

/** Files detected at once with a card each; more is a job for a scan. */
export const MAX_CARDS = 60;

/** The part of vscode.Uri that matters here. */
export interface UriLike {
  scheme: string;
  path: string;
}

/** Whether a file name promises audio, whatever is inside. */
export function isAudioPath(path: string): boolean {
  return (AUDIO_EXTENSIONS as readonly string[]).includes(extname(path).toLowerCase());
}

/** What a menu command is about: VS Code passes the item clicked and, from the explorer, the whole selection. */
export function selection<U extends UriLike>(clicked: U, selected: readonly U[] | undefined): readonly U[] {
  return selected?.some((uri) => uri.path === clicked.path) ? selected : [clicked];
}

/** The audio files that a menu command is about; the item clicked is taken as it is when it is the only one. */
export function selectedFiles<U extends UriLike>(
  clicked: U,
  selected: readonly U[] | undefined,
): readonly U[] {
  const files = selection(clicked, selected);
  return files.length === 1 ? files : files.filter((uri) => isAudioPath(uri.path));
}
