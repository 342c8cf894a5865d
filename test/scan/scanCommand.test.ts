import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { before, describe, it } from 'node:test';
import { parse } from 'csv-parse/sync';
import type { Log } from 'sarif';
import type { ModelConfig } from '../../daemon/model/modelConfig.ts';
import { runCli, startCli } from '../cli/runCli.ts';
import { subfolder, temporaryFolder, writeTestSound, writeUntrainedModel } from '../helpers.ts';

const folder = temporaryFolder();
/** The user's cache folder, for whatever system runs this. */
const environment = {
  XDG_CACHE_HOME: join(folder, 'cache'),
  LOCALAPPDATA: join(folder, 'cache'),
  HOME: folder,
};

/** Models that call everything Deepfake, Genuine or Inconclusive. */
const models: Record<'deepfake' | 'genuine' | 'inconclusive', string> = {
  deepfake: '',
  genuine: '',
  inconclusive: '',
};
let clips = '';

before(async () => {
  const write = async (name: keyof typeof models, changes: Partial<ModelConfig>) => {
    models[name] = (await writeUntrainedModel(join(folder, name), changes)).checkpoint;
  };
  await write('deepfake', { threshold: 0 });
  await write('genuine', { threshold: 1 });
  await write('inconclusive', { inconclusive: { low: 0, high: 1 } });
  clips = subfolder(folder, 'clips');
  for (let i = 0; i < 4; i++) await writeTestSound(join(clips, `clip${i}.wav`), 'noise', 0.6, i);
});

const scanCli = (...args: string[]) => runCli(['scan', ...args], environment);

interface Line {
  file: string;
  decision?: string;
  cached: boolean;
  error?: { message: string };
}
const linesOf = (stdout: string): Line[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('deepfake-audio scan', () => {
  it('prints JSON Lines for programs, a table for people, and a sentence that sums up', async () => {
    const json = await scanCli(clips, '--model', models.genuine, '--no-store', '--ordered');
    assert.equal(json.code, 0);
    assert.deepEqual(
      linesOf(json.stdout).map(({ file, decision, cached }) => [file, decision, cached]),
      [0, 1, 2, 3].map((i) => [join(clips, `clip${i}.wav`), 'Genuine', false]),
    );
    assert.match(json.stderr, /^4 files in .* s: 0 Deepfake, 4 Genuine, 0 Inconclusive, 0 not read\.\n$/);
    const table = await scanCli(clips, '--model', models.genuine, '--no-store', '--format', 'table');
    assert.equal(table.stdout.split('\n').filter((line) => line.startsWith('Genuine')).length, 4);
    assert.equal(table.stderr, '');
  });

  it('writes several reports at once, each in the format of its extension', async () => {
    const place = subfolder(folder, 'reports');
    const outputs = ['scan.jsonl', 'scan.csv', 'scan.sarif', 'scan.html', 'scan.txt'];
    const flags = outputs.flatMap((name) => ['--output', join(place, name)]);
    const { code, stdout } = await scanCli(
      clips,
      '--model',
      models.deepfake,
      '--no-store',
      '--format',
      'none',
      ...flags,
    );
    assert.deepEqual([code, stdout], [0, '']);
    assert.deepEqual(readdirSync(place).sort(), [...outputs].sort());
    const text = (name: string) => readFileSync(join(place, name), 'utf8');
    assert.equal(linesOf(text('scan.jsonl')).length, 4);
    assert.equal(parse(text('scan.csv'), { columns: true }).length, 4);
    assert.equal((JSON.parse(text('scan.sarif')) as Log).runs[0].results?.length, 4);
    assert.match(text('scan.html'), /^<!DOCTYPE html>/);
    assert.match(text('scan.txt'), /4 files in/);
  });

  it('remembers results in the user’s cache folder', async () => {
    const first = await scanCli(clips, '--model', models.genuine);
    assert.ok(linesOf(first.stdout).every(({ cached }) => !cached));
    const second = await scanCli(clips, '--model', models.genuine);
    assert.ok(linesOf(second.stdout).every(({ cached }) => cached));
    assert.match(second.stderr, /; 4 of them known from before\.\n$/);
  });

  it('exits with code 2 for what --fail-on names, and with 0 otherwise', async () => {
    const bad = subfolder(folder, 'bad');
    writeFileSync(join(bad, 'text.wav'), 'Nothing that sounds.'.repeat(100));
    const codeOf = async (...args: string[]) => (await scanCli(...args, '--no-store')).code;
    const { deepfake, genuine, inconclusive } = models;
    assert.equal(await codeOf(clips, '--model', deepfake), 0);
    assert.equal(await codeOf(clips, '--model', deepfake, '--fail-on', 'deepfake'), 2);
    assert.equal(await codeOf(clips, '--model', genuine, '--fail-on', 'deepfake', '--fail-on', 'error'), 0);
    assert.equal(await codeOf(clips, '--model', inconclusive, '--fail-on', 'inconclusive'), 2);
    assert.equal(await codeOf(bad, '--model', genuine), 0);
    assert.equal(await codeOf(bad, '--model', genuine, '--fail-on', 'deepfake', '--fail-on', 'error'), 2);
  });

  it('makes one line of every mistake, with exit code 1', async () => {
    const model = ['--model', models.genuine];
    for (const [args, about] of [
      [[join(folder, 'missing')], join(folder, 'missing')],
      [[clips, '--output', 'report.pdf'], 'report.pdf'],
      [[clips, '--store', models.genuine], models.genuine],
    ] as const) {
      const { code, stdout, stderr } = await scanCli(...args, ...model);
      assert.match(stderr, /^error: [^\n]+\n$/);
      assert.ok(stderr.includes(about), `${stderr} does not name ${about}`);
      assert.deepEqual([code, stdout], [1, '']);
    }
    const since = await scanCli(clips, '--since', 'yesterday', ...model);
    assert.match(since.stderr, /2026-01-31/);
    assert.equal(since.code, 1);
  });

  it('goes on where SIGKILL stopped it, and gives every file once', async () => {
    const many = subfolder(folder, 'many');
    const count = 250;
    for (let i = 0; i < count; i++) await writeTestSound(join(many, `clip${i}.wav`), 'tone', 0.6, 5000 + i);
    const args = ['scan', many, '--model', models.genuine, '--store', join(folder, 'killed.mdb')];
    const child = startCli(args, environment);
    const exit = once(child, 'exit');
    let told = 0;
    for await (const _ of createInterface({ input: child.stdout })) {
      if (++told === 20) child.kill('SIGKILL');
    }
    assert.deepEqual(await exit, [null, 'SIGKILL']);
    assert.ok(told < count, 'the scan had ended before it was killed');
    const { code, stdout, stderr } = await runCli(args, environment);
    assert.equal(code, 0, stderr);
    const lines = linesOf(stdout);
    assert.equal(lines.length, count);
    assert.equal(new Set(lines.map(({ file }) => file)).size, count);
    const known = lines.filter(({ cached }) => cached).length;
    assert.ok(known >= told && known < count, `${known} known after ${told} were told`);
    const last = await runCli(args, environment);
    assert.ok(linesOf(last.stdout).every(({ cached }) => cached));
  });

  it('shares its store with scans in other processes at the same time', async () => {
    const shared = subfolder(folder, 'shared');
    for (let i = 0; i < 40; i++) await writeTestSound(join(shared, `clip${i}.wav`), 'noise', 0.6, 9000 + i);
    const args = [shared, '--model', models.genuine, '--store', join(folder, 'shared.mdb')];
    const runs = await Promise.all([scanCli(...args), scanCli(...args), scanCli(...args)]);
    for (const { code, stdout } of runs) {
      assert.equal(code, 0);
      assert.equal(new Set(linesOf(stdout).map(({ file }) => file)).size, 40);
    }
    const after = await scanCli(...args);
    assert.ok(linesOf(after.stdout).every(({ cached }) => cached));
  });

  it('stops on Ctrl+C with a word on how to go on', {
    skip: process.platform === 'win32' && 'no SIGINT here',
  }, async () => {
    const long = subfolder(folder, 'long');
    for (let i = 0; i < 30; i++) await writeTestSound(join(long, `clip${i}.wav`), 'noise', 20, i);
    const child = startCli(['scan', long, '--model', models.genuine, '--no-store'], environment);
    const exit = once(child, 'exit');
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout.once('data', () => child.kill('SIGINT'));
    child.stdout.resume();
    assert.deepEqual(await exit, [130, null]);
    assert.match(stderr, /^Stopped\. The same command goes on from here\.\n$/);
  });

  it('ends quietly when its reader has seen enough', async () => {
    const child = startCli(
      ['scan', join(folder, 'many'), '--model', models.genuine, '--no-store'],
      environment,
    );
    const exit = once(child, 'exit');
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    await exit;
    assert.doesNotMatch(stderr, /EPIPE|error/);
  });
});
