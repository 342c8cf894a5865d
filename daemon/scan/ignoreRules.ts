import { readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';

/** Files and folders to leave out of a scan, in the syntax of `.gitignore`; the rules hold for the folder that the file lies in. */
export const IGNORE_FILE = '.deepfakeignore';

/** The rules that hold in one folder: its own ignore file before those of the folders above it. */
export class IgnoreRules {
  private constructor(
    private readonly folder: string,
    private readonly own: Ignore | undefined,
    private readonly above: IgnoreRules | undefined,
  ) {}

  /** The rules of `folder` and of every folder above it. */
  static async forRoot(folder: string): Promise<IgnoreRules> {
    const parent = dirname(folder);
    const above = parent === folder ? undefined : await IgnoreRules.forRoot(parent);
    return new IgnoreRules(folder, await readRules(folder), above);
  }

  /** The rules inside a subfolder; `hasOwn` tells whether an ignore file lies in it. */
  async inside(folder: string, hasOwn: boolean): Promise<IgnoreRules> {
    return hasOwn ? new IgnoreRules(folder, await readRules(folder), this) : this;
  }

  /** As in git, the rule nearest to the file decides. */
  ignores(path: string, isFolder: boolean): boolean {
    for (let rules: IgnoreRules | undefined = this; rules !== undefined; rules = rules.above) {
      if (rules.own === undefined) continue;
      const local = relative(rules.folder, path).split(sep).join('/');
      const { ignored, unignored } = rules.own.test(isFolder ? `${local}/` : local);
      if (ignored) return true;
      if (unignored) return false;
    }
    return false;
  }
}

async function readRules(folder: string): Promise<Ignore | undefined> {
  const text = await readFile(join(folder, IGNORE_FILE), 'utf8').catch(() => undefined);
  // Paths that are not plain relative ones, such as a name of one backslash on Linux, must not stop a scan.
  return text === undefined ? undefined : ignore({ allowRelativePaths: true }).add(text);
}
