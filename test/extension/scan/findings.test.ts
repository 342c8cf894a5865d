import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Findings } from '../../../extension/scan/findings.ts';
import { readFindings, writeFindings } from '../../../extension/scan/findingsFile.ts';
import { temporaryFolder } from '../../helpers.ts';
import { finding } from '../someFindings.ts';

const files = (findings: Findings) => [...findings.all()].map(({ file }) => file).sort();

function some(): Findings {
  const findings = new Findings();
  findings.put(['/a/x.wav', '/a/b/y.wav', '/ab/z.wav'].map((file) => finding(file, 'Genuine', 0.1)));
  return findings;
}

test('a folder that is gone takes what is below it along, and nothing beside it', () => {
  const findings = some();
  findings.delete('/a');
  assert.deepEqual(files(findings), ['/ab/z.wav']);
});

test('what a scan found again stays', () => {
  const findings = some();
  findings.delete('/a', new Set(['/a/x.wav']));
  assert.deepEqual(files(findings), ['/a/x.wav', '/ab/z.wav']);
});

test('a renamed folder keeps its findings', () => {
  const findings = some();
  findings.addRoots(['/a']);
  findings.rename('/a', '/c');
  assert.deepEqual(files(findings), ['/ab/z.wav', '/c/b/y.wav', '/c/x.wav']);
  assert.deepEqual(findings.scanned, ['/c']);
});

test('a file that was written to is outdated until it is scanned again', () => {
  const findings = some();
  findings.markOutdated('/a/x.wav');
  assert.equal(findings.get('/a/x.wav')?.outdated, true);
  findings.put([finding('/a/x.wav', 'Deepfake', 0.9)]);
  assert.equal(findings.get('/a/x.wav')?.outdated, undefined);
});

test('what was scanned is remembered without what lies inside it', () => {
  const findings = new Findings();
  findings.addRoots(['/a/b', '/c/x.wav']);
  findings.addRoots(['/a', '/ab']);
  assert.deepEqual([...findings.scanned].sort(), ['/a', '/ab', '/c/x.wav']);
  findings.addRoots(['/']);
  assert.deepEqual(findings.scanned, ['/']);
});

test('findings come back from their file', async () => {
  const file = join(temporaryFolder(), 'deep', 'findings.json');
  const findings = some();
  findings.addRoots(['/a', '/ab']);
  await writeFindings(file, findings.kept());
  assert.deepEqual(await readFindings(file), findings.kept());
});

test('a file that is damaged, missing or of another version is as good as none', async () => {
  const folder = temporaryFolder();
  const none = { roots: [], findings: [] };
  assert.deepEqual(await readFindings(join(folder, 'missing.json')), none);
  for (const content of ['{"version": 1, "roots": [', '{"version": 99, "roots": ["/a"], "findings": []}']) {
    writeFileSync(join(folder, 'findings.json'), content);
    assert.deepEqual(await readFindings(join(folder, 'findings.json')), none);
  }
});
