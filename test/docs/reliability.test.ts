import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';

const table = readFileSync(join(packageRoot, 'docs', 'reliability.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .slice(1);

for (const [, fault, , , proof] of table) {
  if (proof === 'not tested yet') continue;
  test(`the table of faults names a test that exists for: ${fault}`, () => {
    const [, file, name] = /^(\S+\.test\.ts): (.+)$/.exec(proof) ?? assert.fail(`"${proof}" names no test`);
    assert.ok(
      readFileSync(join(packageRoot, 'test', file), 'utf8').includes(name),
      `${file} has no test "${name}"`,
    );
  });
}

test('the table of faults is not empty', () => assert.ok(table.length > 20));
