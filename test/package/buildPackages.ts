import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { packageRoot } from '../../daemon/paths.ts';
import { UNAVAILABLE_EXIT_CODE } from '../../scripts/package/unavailable.mjs';

export interface Packages {
  /** Why they cannot be made here; false where they can. */
  skip: string | false;
  /** Path of the package of each target. */
  paths: Record<string, string>;
  /** What `npm run package` printed. */
  table: string;
}

/** Makes packages for VS Code in `folder` as `npm run package` does. */
export async function buildPackages(targets: string[], folder: string): Promise<Packages> {
  const script = join(packageRoot, 'scripts', 'package.mjs');
  const child = spawn(process.execPath, [script, ...targets, '--out', folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [table, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (code === UNAVAILABLE_EXIT_CODE) {
    const reason = errors.split('\n').find((line) => line.startsWith('error: ')) ?? errors;
    return { skip: reason.replace(/^error: |\.$/g, ''), paths: {}, table };
  }
  if (code !== 0) throw new Error(`npm run package ended with code ${code}:\n${errors}`);
  const names = readdirSync(folder);
  const pathOf = (target: string) =>
    join(folder, names.find((name) => name.endsWith(`-${target}.vsix`)) ?? `no package for ${target}`);
  return { skip: false, paths: Object.fromEntries(targets.map((target) => [target, pathOf(target)])), table };
}
