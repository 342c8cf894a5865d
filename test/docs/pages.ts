import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { globSync } from 'tinyglobby';
import { packageRoot } from '../../daemon/paths.ts';

/** A text of the repository that people read; of a notebook its text cells. */
export interface Page {
  /** From the repository's root, with slashes. */
  path: string;
  text: string;
}

/** Every page of Markdown and every notebook that belongs to the repository. */
export const pages: Page[] = globSync(['**/*.md', '**/*.ipynb', '!test/host/**'], {
  cwd: packageRoot,
  dot: true,
  ignore: ['**/node_modules/**', 'dist/**', 'out/**', '.cache/**', '.git/**'],
})
  .sort()
  .map((path) => ({ path, text: textOf(path) }));

function textOf(path: string): string {
  const content = readFileSync(join(packageRoot, path), 'utf8').replaceAll('\r\n', '\n');
  if (!path.endsWith('.ipynb')) return content;
  const { cells } = JSON.parse(content) as { cells: { cell_type: string; source: string[] }[] };
  return cells.map(({ cell_type, source }) => (cell_type === 'markdown' ? source.join('') : '')).join('\n\n');
}

const FENCE = /^ *```.*\n([\s\S]*?)^ *```$/gm;

/** The text without fenced blocks. */
export const withoutFences = (text: string): string => text.replace(FENCE, '');

/** The fenced blocks of these languages, without their fences. */
export function fencedBlocks(text: string, languages: string[]): string[] {
  return [...text.matchAll(FENCE)]
    .filter(([block]) => languages.includes(/```(.*)/.exec(block)![1]))
    .map(([, content]) => content);
}
