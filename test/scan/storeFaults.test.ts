import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { ResultStore } from '../../daemon/scan/resultStore.ts';
import { type Finished, runCli } from '../cli/runCli.ts';
import { subfolder, temporaryFolder, writeTestSound, writeUntrainedModel } from '../helpers.ts';
import { makeReadOnly, smallDisk } from '../smallDisk.ts';

const folder = temporaryFolder();
const path = (...names: string[]) => join(folder, ...names);
const PAGE_BYTES = 4096;
const ENTRIES = 300;
const hash = (i: number) => i.toString(16).padStart(64, '0');
const state = (i: number) => `${i} 2 3`;
const error = { code: -33004, message: `It is damaged${'.'.repeat(200)}` };

/** A store with some hundred entries, closed; its bytes. */
async function filledStore(file: string): Promise<Buffer> {
  const store = await ResultStore.open(file);
  await Promise.all(
    Array.from({ length: ENTRIES }, (_, i) => [
      store.putContentHash(`/${i}.wav`, state(i), hash(i)),
      store.putResult({ contentHash: hash(i), profile: hash(1) }, { error }),
    ]).flat(),
  );
  await store.close();
  return readFile(file);
}

describe('a store damaged inside its pages', () => {
  let whole: Buffer;
  before(async () => {
    whole = await filledStore(path('whole.mdb'));
  });

  for (const [how, byte] of [
    ['zeros', 0],
    ['ones', 0xff],
    ['noise', 0x5a],
  ] as const) {
    it(`by ${how} is set aside or answers, and ends nothing`, async () => {
      const pages = whole.length / PAGE_BYTES;
      let aside = 0;
      // The first two pages describe the file: its size is checked against them.
      for (let page = 2; page < pages; page += 1 + Math.floor(pages / 8)) {
        const file = path(`${how}-${page}.mdb`);
        const bytes = Buffer.from(whole);
        bytes.fill(byte, page * PAGE_BYTES + 8, (page + 1) * PAGE_BYTES);
        await writeFile(file, bytes);
        const warnings: string[] = [];
        const store = await ResultStore.open(file, (message) => warnings.push(message));
        await store.putContentHash('/new.wav', state(1), hash(2));
        assert.equal(store.contentHash('/new.wav', state(1)), hash(2));
        await store.close();
        if (warnings.length === 0) continue;
        aside++;
        assert.match(
          warnings[0],
          /^The results of earlier scans in \S+ were damaged and are now in \S+\.damaged: /,
        );
        assert.deepEqual(await readFile(`${file}.damaged`), bytes);
      }
      assert.ok(aside > 0, 'no damage was noticed');
    });
  }

  it('is not looked for in a store that was closed and has not changed since', async () => {
    const file = path('trusted.mdb');
    await filledStore(file);
    assert.ok(existsSync(`${file}-closed`));
    const store = await ResultStore.open(file, assert.fail);
    assert.equal(store.size, ENTRIES);
    await store.close();
  });

  it('does not stop a store from being used again that nobody closed', async () => {
    const file = path('killed.mdb');
    await writeFile(file, whole);
    const store = await ResultStore.open(file, assert.fail);
    assert.equal(store.size, ENTRIES);
    await store.close();
  });
});

describe('a scan', () => {
  const CLIPS = 40;
  let clips = '';
  let model: string[] = [];
  before(async () => {
    clips = subfolder(folder, 'clips');
    for (let i = 0; i < CLIPS; i++) await writeTestSound(join(clips, `clip${i}.wav`), 'noise', 0.3, i);
    const { checkpoint } = await writeUntrainedModel(path('model'));
    model = ['--model', checkpoint];
  });
  const lines = ({ stdout }: Finished) => stdout.trimEnd().split('\n');

  it('goes on without keeping its results when the disk is full, and says so once', async (t) => {
    const skip = smallDisk(path('disk'), 10 * PAGE_BYTES);
    if (skip) return t.skip(skip);
    const finished = await runCli(['scan', clips, ...model, '--store', path('disk', 'results.mdb')]);
    assert.equal(finished.code, 0, finished.stderr);
    assert.equal(lines(finished).length, CLIPS);
    assert.equal(finished.stderr.match(/warning: /g)?.length, 1, finished.stderr);
    assert.match(
      finished.stderr,
      /^warning: The results of this scan are not kept any more in \S+ \(the disk is full( or damaged)?\): /m,
    );
  });

  it('says what to do where its results or its report lie in a folder that cannot be written', async (t) => {
    const disk = path('readOnly');
    const skip = smallDisk(disk, 100 * PAGE_BYTES);
    if (skip) return t.skip(skip);
    makeReadOnly(disk);
    const named = await runCli(['scan', clips, ...model, '--store', join(disk, 'results.mdb')]);
    assert.equal(named.code, 1);
    assert.match(named.stderr, /^error: The results of scans cannot be kept in [^\n]*--no-store\.\n$/);
    const usual = { XDG_CACHE_HOME: disk, LOCALAPPDATA: disk, HOME: disk };
    const going = await runCli(['scan', clips, ...model], usual);
    assert.equal(going.code, 0, going.stderr);
    assert.equal(lines(going).length, CLIPS);
    assert.match(going.stderr, /^warning: The results of scans cannot be kept in [^\n]*--no-store\.$/m);
    const report = join(disk, 'report.html');
    const reported = await runCli(['scan', clips, ...model, '--no-store', '--output', report]);
    assert.equal(reported.code, 1);
    assert.match(
      reported.stderr,
      /^error: Could not write [^\n]*report\.html[^\n]*permissions of its folder\.\n$/,
    );
  });
});
