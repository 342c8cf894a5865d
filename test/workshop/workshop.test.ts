import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';

/** Runs a development tool of node_modules in the project's folder. */
function tool(name: string, ...args: string[]) {
  const program = join(
    packageRoot,
    'node_modules',
    '.bin',
    process.platform === 'win32' ? `${name}.cmd` : name,
  );
  return spawnSync(program, args, {
    cwd: packageRoot,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
}

test('the code has no type errors', () => {
  const { status, stdout } = tool('tsc', '--project', '.');
  assert.equal(status, 0, stdout);
});

test('the code is formatted and free of lint', () => {
  const { status, stdout, stderr } = tool('biome', 'check', '--max-diagnostics=20', '.');
  assert.equal(status, 0, stdout + stderr);
});
