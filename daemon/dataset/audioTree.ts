import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { AUDIO_EXTENSIONS } from '../../shared/audioFiles.ts';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';

/** A path below the root as its parts, the last one being the name. */
export type PathParts = readonly string[];

export interface AudioTree {
  /** Audio files in path order. */
  files: PathParts[];
  /** Folders below the root in path order. */
  folders: PathParts[];
}

export const isAudioName = (name: string): boolean =>
  (AUDIO_EXTENSIONS as readonly string[]).includes(extname(name).toLowerCase());

/**
 * All audio files and folders below `root`. Hidden names are left out. Links to files are files; a linked folder
 * is entered when it was not reached otherwise, so no folder is listed twice and loops end. Throws DeepfakeError
 * FileUnreadable for a folder that cannot be listed: a data set with a part missing would go unnoticed.
 */
export async function listAudioTree(root: string): Promise<AudioTree> {
  const tree: AudioTree = { files: [], folders: [] };
  const visited = new Set<string>();
  let linkedFolders: string[][] = [];

  const visit = async (parts: string[]): Promise<void> => {
    const folder = join(root, ...parts);
    const identity = await realpath(folder).catch(() => undefined);
    if (identity === undefined || visited.has(identity)) {
      return;
    }
    visited.add(identity);
    if (parts.length > 0) {
      tree.folders.push(parts);
    }
    for (const entry of await listFolder(folder)) {
      if (entry.name.startsWith('.')) {
        continue;
      }
      const entryParts = [...parts, entry.name];
      if (entry.isDirectory()) {
        await visit(entryParts);
      } else if (entry.isSymbolicLink()) {
        const target = await stat(join(folder, entry.name)).catch(() => undefined);
        if (target?.isDirectory()) {
          linkedFolders.push(entryParts);
        } else if (target?.isFile() && isAudioName(entry.name)) {
          tree.files.push(entryParts);
        }
      } else if (entry.isFile() && isAudioName(entry.name)) {
        tree.files.push(entryParts);
      }
    }
  };

  await visit([]);
  while (linkedFolders.length > 0) {
    const pending = inPathOrder(linkedFolders);
    linkedFolders = [];
    for (const parts of pending) {
      await visit(parts);
    }
  }
  return { files: inPathOrder(tree.files), folders: inPathOrder(tree.folders) };
}

async function listFolder(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    throw new DeepfakeError(
      ErrorCode.FileUnreadable,
      `The folder ${folder} cannot be listed (${messageOf(cause)}): check its permissions.`,
      folder,
      { cause },
    );
  }
}

/** Sorts as Python sorts `pathlib` paths: part by part, by code point. */
function inPathOrder<T extends PathParts>(paths: readonly T[]): T[] {
  return paths
    .map((parts) => ({ parts, key: Buffer.from(parts.join('\0')) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ parts }) => parts);
}
