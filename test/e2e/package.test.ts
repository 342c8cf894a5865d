import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';
import { headline } from '../../shared/wording.ts';
import { temporaryFolder, writeDataset } from '../helpers.ts';
import { buildPackages } from '../package/buildPackages.ts';
import { openSession } from './session.ts';
import { trainingTask, writeTasks } from './tasks.ts';

/** The package that is installed: another one with, for instance, DEEPFAKE_PACKAGE=universal. */
const TARGET = process.env.DEEPFAKE_PACKAGE ?? 'linux-x64';
const FIRST = 'synthetic-hibari-english.ogg';
const OTHERS = ['genuine-woman-french.ogg', 'synthetic-piper-english.mp3', 'genuine-woman-english.flac'];
const ARCHIVE = 'archive';
const ARCHIVE_COUNT = 8;
const DATA = 'voices';
const PER_CLASS = 8;
const RUN_LIMIT_MS = 60_000;
const tasks = [
  trainingTask('two epochs', { dataRoot: DATA, epochs: 2, modelDir: 'two' }),
  trainingTask('endless', { dataRoot: DATA, epochs: 100_000, patience: 0, modelDir: 'endless' }),
];

const packages = await buildPackages([TARGET], temporaryFolder());
const session =
  packages.skip === false
    ? await openSession({
        vsix: packages.paths[TARGET],
        prepare: async (folder) => {
          const samples = join(packageRoot, 'media', 'samples');
          mkdirSync(join(folder, ARCHIVE));
          cpSync(samples, join(folder, ARCHIVE), { recursive: true });
          await writeDataset(join(folder, DATA), PER_CLASS);
          writeTasks(folder, tasks);
        },
      })
    : undefined;
const skip = packages.skip || (session?.skip ?? false);
const window = session?.window as NonNullable<typeof session>['window'];
after(() => session?.close());

test('a right click gives the verdict of the command line, soon', { skip }, async (t) => {
  assert.deepEqual(window.daemonPids(), []);
  t.diagnostic(`${TARGET}, cold, from the click to the verdict: ${await detect(FIRST)} ms`);
  for (const file of OTHERS)
    t.diagnostic(`warm, from the click to the verdict of ${file}: ${await detect(file)} ms`);
  assert.equal(window.daemonPids().length, 1);
  await window.screenshot(`package-${TARGET}`);
});

test('a folder is scanned, and the results are kept by native code of the package', { skip }, async () => {
  await window.run('View: Close All Editors');
  await window.chooseInMenu(ARCHIVE, 'Scan for Deepfakes');
  await window.page.locator('.statusbar', { hasText: 'Scanned: ' }).waitFor();
  // The tree follows the scan at its own pace.
  await window.page.waitForFunction((count) => {
    const headings = [...document.querySelectorAll('.part.sidebar .monaco-list-row[aria-level="1"]')];
    const counts = headings.map((row) => /, (\d+) files?/.exec(row.getAttribute('aria-label') ?? '')?.[1]);
    return counts.reduce((sum, found) => sum + Number(found ?? 0), 0) === count;
  }, ARCHIVE_COUNT);
  const loaded = nativeFiles(window.daemonPids()[0]);
  const expected = ['dist/prebuilds/linux-x64/node.napi.glibc.node'];
  const runtime = 'dist/bin/napi-v6/linux/x64';
  if (TARGET !== 'universal')
    expected.push(`${runtime}/libonnxruntime.so.1`, `${runtime}/onnxruntime_binding.node`);
  assert.deepEqual(loaded, expected.sort());
});

test('after the daemon has been killed the next detection starts another', { skip }, async () => {
  const [killed] = window.daemonPids();
  process.kill(killed, 'SIGKILL');
  await window.page.locator('.statusbar-item[id$="deepfake.status"].warning-kind').waitFor();
  await window.run('View: Show Explorer');
  await detect(FIRST);
  const [next] = window.daemonPids();
  assert.notEqual(next, killed);
});

test('the package trains two epochs', { skip }, async () => {
  await window.runTask('two epochs');
  await window.terminal.filter({ hasText: 'Training finished' }).waitFor({ timeout: RUN_LIMIT_MS });
  assert.ok(existsSync(join(session?.folder ?? '', 'two', 'deepfake_cnn.safetensors')));
});

test('a run goes on in another daemon when its own is killed, and can be ended', { skip }, async () => {
  await window.runTask('endless');
  await window.terminal.filter({ hasText: '2/100000' }).waitFor({ timeout: RUN_LIMIT_MS });
  const [killed] = window.daemonPids();
  process.kill(killed, 'SIGKILL');
  await window.terminal.filter({ hasText: 'Going on in epoch' }).waitFor({ timeout: RUN_LIMIT_MS });
  assert.notEqual(window.daemonPids()[0], killed);
  await window.run('Tasks: Terminate Task');
  await window.choose('endless');
  await window.trainingStatus.waitFor({ state: 'detached' });
  assert.ok(existsSync(join(session?.folder ?? '', 'endless', 'deepfake_cnn.safetensors')));
});

test('VS Code activates the package in a moment', { skip }, async (t) => {
  await window.run('Developer: Show Running Extensions');
  const row = window.page
    .locator('.runtime-extensions-editor .monaco-list-row', { hasText: 'Deepfake Audio' })
    .first();
  await row.waitFor();
  t.diagnostic((await row.innerText()).replaceAll('\n', ' · '));
});

test('no other host was asked for anything', { skip }, () => {
  assert.deepEqual([...window.foreignRequests], []);
});

/** Right-clicks a file, waits for its verdict and holds it against the command line's; milliseconds from the click on. */
async function detect(file: string): Promise<number> {
  const clicked = await window.detect(file);
  await window.report.locator('#file-name', { hasText: file }).waitFor();
  await window.report.locator('#result').waitFor();
  const milliseconds = (await window.reportTimes()).verdictShown - clicked;
  const command = [
    join(packageRoot, 'dist', 'cli.js'),
    'predict',
    join(packageRoot, 'media', 'samples', file),
  ];
  const { decision } = JSON.parse(execFileSync(process.execPath, command).toString());
  assert.equal(await window.report.locator('#headline').textContent(), headline(decision));
  return milliseconds;
}

/** The native files below the installed package that a process has loaded, relative to it, in order. */
function nativeFiles(pid: number): string[] {
  const maps = readFileSync(`/proc/${pid}/maps`, 'utf8');
  return [...new Set(maps.match(/(?<=\/extensions\/[^/]+\/)\S+\.(node|so)\S*$/gm))].sort();
}
