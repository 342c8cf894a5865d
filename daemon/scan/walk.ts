import type { BigIntStats, Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import picomatch from 'picomatch';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import type { ScanParams } from '../../shared/protocol.ts';
import { isAudioName } from '../dataset/audioTree.ts';
import { IGNORE_FILE, IgnoreRules } from './ignoreRules.ts';
import { isUrl } from './urls.ts';

/** Paths may be URLs too; files that they name are taken whatever their name, unless `filterNamed`. */
export interface WalkOptions
  extends Pick<ScanParams, 'paths' | 'include' | 'exclude' | 'base' | 'filterNamed' | 'allowMissing'> {
  signal?: AbortSignal;
}

/** A file to scan, or a folder that could not be listed. */
export interface FoundFile {
  /** Absolute, or a URL. */
  path: string;
  error?: DeepfakeError;
}

interface Walk {
  /** Files named by the user, which are not found a second time inside a folder. */
  named: Set<string>;
  /** Device and inode of every folder entered. */
  visited: Set<string>;
  base?: string;
  included: (local: string) => boolean;
  excluded: (local: string) => boolean;
  signal?: AbortSignal;
}

type Kind = 'file' | 'folder' | 'link to a folder';

interface OpenFolder {
  folder: string;
  rules: IgnoreRules;
  entries: { name: string; kind: Kind }[];
  next: number;
}

/**
 * Audio files below the paths, in path order, one folder's listing in memory at a time for each level. Linked folders come
 * after the others of their root and are entered when they were not reached otherwise, so that loops end. Throws
 * FileNotFound at once for a named path that does not exist (unless `allowMissing`), and Cancelled.
 */
export async function* walkAudio(options: WalkOptions): AsyncGenerator<FoundFile> {
  const roots: (FoundFile & { isFolder: boolean })[] = [];
  for (const path of options.paths.map((path) => (isUrl(path) ? path : resolve(path)))) {
    if (isUrl(path)) {
      roots.push({ path, isFolder: false });
      continue;
    }
    try {
      roots.push({ path, isFolder: (await namedPath(path)).isDirectory() });
    } catch (error) {
      if (!options.allowMissing || !(error instanceof DeepfakeError)) throw error;
      roots.push({ path, isFolder: false, error });
    }
  }
  const walk: Walk = {
    named: new Set(roots.filter(({ isFolder }) => !isFolder).map(({ path }) => path)),
    visited: new Set(),
    base: options.base === undefined ? undefined : resolve(options.base),
    included: matcher(options.include) ?? (() => true),
    excluded: matcher(options.exclude) ?? (() => false),
    signal: options.signal,
  };
  const yielded = new Set<string>();
  for (const { path, isFolder, error } of roots) {
    if (isFolder) yield* walkRoot(path, walk);
    else if (!yielded.has(path)) {
      yielded.add(path);
      if (options.filterNamed && !isUrl(path) && (await leavesOut(path, walk))) continue;
      yield { path, error };
    }
  }
}

/** Whether a walk over the folders above a file would have left it out. */
async function leavesOut(path: string, { base, included, excluded }: Walk): Promise<boolean> {
  const local = localPath(base ?? dirname(path), path);
  const parts = local.split('/');
  const ancestors = parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join('/'));
  if ([...ancestors, local].some(excluded) || !included(local)) return true;
  return (await IgnoreRules.forRoot(dirname(path))).ignores(path, false);
}

/** As globs are written, on any system. */
const localPath = (base: string, path: string): string => relative(base, path).split(sep).join('/');

async function namedPath(path: string): Promise<BigIntStats> {
  try {
    return await stat(path, { bigint: true });
  } catch (cause) {
    const message = `There is no file or folder to scan at ${path} (${messageOf(cause)}). Check the path.`;
    throw new DeepfakeError(ErrorCode.FileNotFound, message, path, { cause });
  }
}

function matcher(globs: string[] | undefined): ((local: string) => boolean) | undefined {
  if (globs === undefined || globs.length === 0) return undefined;
  const tests = globs.map((glob) => {
    // A slash at the end names a folder, as in ignore files.
    const pattern = glob.replace(/\/$/, '');
    return picomatch(pattern, { dot: true, basename: !pattern.includes('/') });
  });
  return (local) => tests.some((test) => test(local));
}

async function* walkRoot(root: string, walk: Walk): AsyncGenerator<FoundFile> {
  let pending = [root];
  while (pending.length > 0) {
    const links: string[] = [];
    for (const folder of pending) yield* walkTree(root, folder, walk, links);
    pending = links;
  }
}

/** Walks one tree and puts the links to folders that it meets into `links`. */
async function* walkTree(
  root: string,
  start: string,
  walk: Walk,
  links: string[],
): AsyncGenerator<FoundFile> {
  const stack: OpenFolder[] = [];
  const enter = async (folder: string, above?: IgnoreRules): Promise<FoundFile[]> => {
    try {
      const opened = await openFolder(folder, above, walk);
      if (opened !== undefined) stack.push(opened);
      return [];
    } catch (cause) {
      const message = `The folder ${folder} cannot be listed (${messageOf(cause)}): check its permissions.`;
      const error = new DeepfakeError(ErrorCode.FileUnreadable, message, folder, { cause });
      return [{ path: folder, error }];
    }
  };
  yield* await enter(start);
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    if (walk.signal?.aborted) throw new DeepfakeError(ErrorCode.Cancelled, 'The scan was cancelled.');
    if (top.next === top.entries.length) {
      stack.pop();
      continue;
    }
    const { name, kind } = top.entries[top.next++];
    const path = join(top.folder, name);
    const local = localPath(walk.base ?? root, path);
    if (walk.excluded(local) || top.rules.ignores(path, kind !== 'file')) continue;
    if (kind === 'folder') yield* await enter(path, top.rules);
    else if (kind === 'link to a folder') links.push(path);
    else if (walk.included(local) && !walk.named.has(path)) yield { path };
  }
}

/** Undefined for a folder that was visited before, perhaps under another name. */
async function openFolder(
  folder: string,
  above: IgnoreRules | undefined,
  walk: Walk,
): Promise<OpenFolder | undefined> {
  const { dev, ino } = await stat(folder, { bigint: true });
  const identity = `${dev}:${ino}`;
  if (walk.visited.has(identity)) return undefined;
  walk.visited.add(identity);
  const listing = await readdir(folder, { withFileTypes: true });
  const hasRules = listing.some(({ name }) => name === IGNORE_FILE);
  const rules = await (above?.inside(folder, hasRules) ?? IgnoreRules.forRoot(folder));
  const entries: OpenFolder['entries'] = [];
  for (const entry of listing) {
    const kind = await kindOf(folder, entry);
    if (kind !== undefined) entries.push({ name: entry.name, kind });
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { folder, rules, entries, next: 0 };
}

/** Undefined for what is neither a folder nor called like audio. A dangling link is a file that cannot be read. */
async function kindOf(folder: string, entry: Dirent): Promise<Kind | undefined> {
  if (entry.isDirectory()) return 'folder';
  if (entry.isFile()) return isAudioName(entry.name) ? 'file' : undefined;
  if (!entry.isSymbolicLink()) return undefined;
  const target = await stat(join(folder, entry.name)).catch(() => undefined);
  if (target?.isDirectory()) return 'link to a folder';
  return isAudioName(entry.name) && (target === undefined || target.isFile()) ? 'file' : undefined;
}
