import { isAbsolute, relative, sep } from 'node:path';

/** The path of a file from a folder that holds it at any depth; undefined where it lies elsewhere. Links are not followed. */
export function pathInside(folder: string, file: string): string | undefined {
  const path = relative(folder, file);
  const isOutside = path === '' || isAbsolute(path) || path === '..' || path.startsWith(`..${sep}`);
  return isOutside ? undefined : path;
}
