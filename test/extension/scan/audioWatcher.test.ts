import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, mock, test } from 'node:test';
import picomatch from 'picomatch';
import { AudioWatcher, audioGlob, isNews } from '../../../extension/scan/audioWatcher.ts';
import { Findings } from '../../../extension/scan/findings.ts';
import { temporaryFolder } from '../../helpers.ts';
import { finding } from '../someFindings.ts';
import { fake, Uri } from '../vscode.ts';

const folder = temporaryFolder();
const clip = join(folder, 'clip.wav');
const HOUR_MS = 3_600_000;

let scanned: string[][] = [];
let findings = new Findings();
let watcher: AudioWatcher;

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  fake.folders = [folder];
  fake.settings = new Map([['deepfake.scan.automatic', false]]);
  scanned = [];
  findings = new Findings();
  watcher = new AudioWatcher(findings, {
    scan: async (files, options) => {
      assert.deepEqual(options, { automatic: true });
      scanned.push(files.map(({ fsPath }) => fsPath));
      return 'done';
    },
  });
});
afterEach(() => {
  watcher.dispose();
  mock.timers.reset();
});

test('the watcher’s glob knows extensions in any case', () => {
  const matches = picomatch(audioGlob(['.wav', '.mp3']));
  assert.deepEqual(
    ['a.wav', 'x/b.WAV', 'c.Mp3', 'd.wave', 'wav'].map((name) => matches(name)),
    [true, true, true, false, false],
  );
});

test('nothing is scanned unless the user has turned that on', () => {
  fake.watcher.created.fire(Uri.file(clip));
  mock.timers.tick(HOUR_MS);
  assert.deepEqual(scanned, []);
});

test('new files are scanned together once they are quiet', () => {
  fake.settings.set('deepfake.scan.automatic', true);
  const other = join(folder, 'other.wav');
  fake.watcher.created.fire(Uri.file(clip));
  mock.timers.tick(1000);
  fake.watcher.created.fire(Uri.file(other));
  fake.watcher.changed.fire(Uri.file(clip));
  mock.timers.tick(1000);
  assert.deepEqual(scanned, [], 'they are still being written');
  mock.timers.tick(1000);
  assert.deepEqual(scanned, [[clip, other]]);
});

test('a finding is outdated when word comes that its file has changed', async () => {
  writeFileSync(clip, 'sound');
  findings.put([{ ...finding(clip, 'Genuine', 0.1), time: Date.now() - HOUR_MS }]);
  const outdated = new Promise<void>((resolve) => findings.onDidChange(resolve));
  fake.watcher.changed.fire(Uri.file(clip));
  await outdated;
  assert.equal(findings.get(clip)?.outdated, true);
});

test('word of a change counts unless it was made before the scan, whatever the clock was set to since', () => {
  const time = Date.parse('2026-01-01T12:00:00Z');
  const written = (mtimeMs: number, ctimeMs = mtimeMs) => ({ mtimeMs, ctimeMs });
  assert.equal(isNews(written(time - 500), time, time + 500), false, 'late word of what was scanned');
  assert.equal(isNews(written(time + 500), time, time + 900), true, 'written to after the scan');
  const back = time - HOUR_MS;
  assert.equal(isNews(written(back), time, back + 500), true, 'the clock was set back');
  const forward = time + 1000 * HOUR_MS;
  assert.equal(isNews(written(forward), time, forward + 500), true, 'the clock was set forward');
  assert.equal(isNews(written(back, time + 400), time, time + 500), true, 'a copy with its old time');
  assert.equal(isNews(written(back), time, time + HOUR_MS), true, 'on a disk that keeps one time only');
});

test('findings go with their files and follow them', () => {
  findings.put([
    finding('/w/a/1.wav', 'Genuine', 0.1),
    finding('/w/b/2.wav', 'Genuine', 0.1),
    finding('/w/3.wav', 'Genuine', 0),
  ]);
  fake.removed.fire({ files: [Uri.file('/w/a')] });
  fake.watcher.deleted.fire(Uri.file('/w/3.wav'));
  fake.renamed.fire({ files: [{ oldUri: Uri.file('/w/b'), newUri: Uri.file('/w/c') }] });
  assert.deepEqual(
    [...findings.all()].map(({ file }) => file),
    ['/w/c/2.wav'],
  );
});
