import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';
import { references } from '../../scripts/docs/references.ts';
import * as protocol from '../../shared/protocol.ts';

for (const [path, text] of Object.entries(references())) {
  test(`${path} says what the code says; "npm run docs" brings it up to date`, () => {
    // Git may have turned line ends into those of Windows.
    assert.equal(readFileSync(join(packageRoot, path), 'utf8').replaceAll('\r\n', '\n'), text);
  });
}

test('every command, option and exit code of the command line is in its reference', () => {
  const text = references()['docs/cli.md'];
  for (const part of [
    '## `predict`',
    '--data-root <folder>',
    '--feature-cache-limit',
    '130: stopped by Ctrl+C',
  ])
    assert.ok(text.includes(part), part);
  assert.doesNotMatch(text, /undefined/);
});

test('every method of the protocol is in its reference with its parameters and results', () => {
  const text = references()['docs/json-rpc.md'];
  for (const value of Object.values(protocol)) {
    if (typeof value === 'object' && 'method' in value) assert.ok(text.includes(`## \`${value.method}\``));
  }
  for (const type of ['ClassifyParams', 'ScanSummary', 'TrainingEvent', 'Verdict', 'DetectorOptions'])
    assert.match(text, new RegExp(`^(interface|type) ${type}\\b`, 'm'));
});
