import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Detector } from '../../daemon/detector.ts';
import { stateText } from '../../daemon/features/contentHash.ts';
import { ResultStore } from '../../daemon/scan/resultStore.ts';
import { type ScanOptions, scan } from '../../daemon/scan/scan.ts';
import { ErrorCode } from '../../shared/errors.ts';
import type { ScannedFile, ScanSummary } from '../../shared/protocol.ts';
import {
  isDeepfakeError,
  subfolder,
  temporaryFolder,
  writeTestSound,
  writeUntrainedModel,
} from '../helpers.ts';

const folder = temporaryFolder();
let detector: Detector;
let other: Detector;
let places = 0;

before(async () => {
  const models = [1, 2].map((seed) => writeUntrainedModel(join(folder, `model${seed}`), {}, seed));
  const [first, second] = await Promise.all(models);
  detector = await Detector.open({ checkpoint: first.checkpoint, workers: 2 }, assert.fail);
  other = await Detector.open({ checkpoint: second.checkpoint, workers: 1 }, assert.fail);
});
after(async () => {
  await detector.dispose();
  await other.dispose();
});

/** A new folder with this many short clips, and a place for a store. */
async function clips(count: number): Promise<{ root: string; storePath: string }> {
  const root = subfolder(folder, `clips${places}`);
  for (let i = 0; i < count; i++) {
    await writeTestSound(join(root, `clip${i}.wav`), i % 2 ? 'tone' : 'noise', 0.6, 100 * places + i);
  }
  return { root, storePath: join(folder, `store${places++}.mdb`) };
}

interface Outcome {
  results: ScannedFile[];
  summary: ScanSummary;
}

async function scanned(root: string, options: Partial<ScanOptions> = {}, by = detector): Promise<Outcome> {
  const results: ScannedFile[] = [];
  const summary = await scan(by.classifier, {
    paths: [root],
    onResult: (result) => {
      results.push(result);
    },
    ...options,
  });
  return { results, summary };
}

/** A scan with a store that is opened for it alone, as a new process would. */
async function scannedWith(
  storePath: string,
  root: string,
  options: Partial<ScanOptions> = {},
  by = detector,
) {
  const store = await ResultStore.open(storePath);
  try {
    return await scanned(root, { ...options, store }, by);
  } finally {
    await store.close();
  }
}

/** How many files were answered how. */
const sources = ({ summary: { unchanged, recognized, analyzed } }: Outcome) => ({
  unchanged,
  recognized,
  analyzed,
});
const names = ({ results }: Outcome) => results.map(({ file }) => basename(file));
const resultOf = ({ results }: Outcome, name: string) => {
  const result = results.find(({ file }) => basename(file) === name);
  assert.ok(result, `no result for ${name}`);
  return result;
};

describe('a scan', () => {
  it('gives each file the verdict that it has alone', async () => {
    const { root } = await clips(6);
    await writeTestSound(join(root, 'long.wav'), 'noise', 9, 7);
    const { results, summary } = await scanned(root);
    assert.equal(results.length, 7);
    assert.equal(summary.files, 7);
    assert.equal(summary.Genuine + summary.Deepfake + summary.Inconclusive, 7);
    for (const result of results) {
      assert.ok('verdict' in result);
      const alone = await detector.classifier.classify(result.file);
      assert.ok(Math.abs(result.verdict.deepfakeProbability - alone.deepfakeProbability) <= 1e-6);
      assert.deepEqual(result.verdict, alone);
    }
  });

  it('does not read unchanged files again', async () => {
    const { root, storePath } = await clips(5);
    const first = await scannedWith(storePath, root, { ordered: true });
    assert.deepEqual(sources(first), { unchanged: 0, recognized: 0, analyzed: 5 });
    const second = await scannedWith(storePath, root, { ordered: true });
    assert.deepEqual(sources(second), { unchanged: 5, recognized: 0, analyzed: 0 });
    const withoutSource = ({ results }: Outcome) => results.map(({ cached: _, ...result }) => result);
    assert.deepEqual(withoutSource(second), withoutSource(first));
    assert.ok(second.results.every(({ cached }) => cached));
    assert.ok(first.results.every(({ cached }) => !cached));
  });

  it('analyses what has new content and nothing else', async () => {
    const { root, storePath } = await clips(4);
    await scannedWith(storePath, root);
    await writeTestSound(join(root, 'clip2.wav'), 'tone', 0.7, 999);
    await writeTestSound(join(root, 'new.wav'), 'tone', 0.7, 998);
    const again = await scannedWith(storePath, root);
    assert.deepEqual(sources(again), { unchanged: 3, recognized: 0, analyzed: 2 });
    assert.deepEqual(
      again.results
        .filter(({ cached }) => !cached)
        .map(({ file }) => basename(file))
        .sort(),
      ['clip2.wav', 'new.wav'],
    );
  });

  it('notices new content of the same size behind a modification time that was put back', async () => {
    const { root, storePath } = await clips(1);
    const file = join(root, 'clip0.wav');
    const before = statSync(file);
    const first = await scannedWith(storePath, root);
    const handle = await open(file, 'r+');
    await handle.write(Buffer.alloc(2000, 0x55), 0, 2000, 4000);
    await handle.close();
    utimesSync(file, before.atime, before.mtime);
    assert.equal(statSync(file).size, before.size);
    const second = await scannedWith(storePath, root);
    assert.equal(second.summary.analyzed, 1);
    assert.notEqual(second.results[0].contentHash, first.results[0].contentHash);
  });

  it('recognises content that was moved, copied or touched, without decoding it', async () => {
    const { root, storePath } = await clips(3);
    await scannedWith(storePath, root);
    renameSync(join(root, 'clip0.wav'), join(root, 'moved.wav'));
    copyFileSync(join(root, 'clip1.wav'), join(root, 'copied.wav'));
    utimesSync(join(root, 'clip2.wav'), new Date(), new Date(0));
    const again = await scannedWith(storePath, root);
    assert.deepEqual(sources(again), { unchanged: 1, recognized: 3, analyzed: 0 });
    assert.deepEqual(sources(await scannedWith(storePath, root)), {
      unchanged: 4,
      recognized: 0,
      analyzed: 0,
    });
  });

  it('keeps the results of different models and settings apart', async () => {
    const { root, storePath } = await clips(2);
    const first = await scannedWith(storePath, root, { ordered: true });
    const second = await scannedWith(storePath, root, { ordered: true }, other);
    assert.deepEqual(sources(second), { unchanged: 0, recognized: 0, analyzed: 2 });
    const firstWindow = await scannedWith(storePath, root, { firstWindow: true });
    assert.deepEqual(sources(firstWindow), { unchanged: 0, recognized: 0, analyzed: 2 });
    const back = await scannedWith(storePath, root, { ordered: true });
    assert.deepEqual(sources(back), { unchanged: 2, recognized: 0, analyzed: 0 });
    const modelsOf = ({ results }: Outcome) =>
      results.map((result) => 'verdict' in result && result.verdict.model.sha256);
    assert.deepEqual(modelsOf(back), modelsOf(first));
    assert.notDeepEqual(modelsOf(second), modelsOf(first));
  });

  it('makes a row with a reason of what cannot be read, and remembers what the content is to blame for', async () => {
    const { root, storePath } = await clips(1);
    writeFileSync(join(root, 'text.mp3'), 'This is not a recording, however it is called.'.repeat(50));
    writeFileSync(join(root, 'empty.wav'), '');
    const sound = await readFile(join(root, 'clip0.wav'));
    await writeFile(join(root, 'cut.wav'), sound.subarray(0, 3000));
    const codes = (outcome: Outcome) =>
      Object.fromEntries(
        outcome.results.map((result) => [
          basename(result.file),
          'error' in result ? ErrorCode[result.error.code] : 'verdict',
        ]),
      );
    const expected = {
      'clip0.wav': 'verdict',
      'text.mp3': 'NotAudio',
      'empty.wav': 'FileEmpty',
      'cut.wav': 'AudioDamaged',
    };
    const first = await scannedWith(storePath, root);
    assert.deepEqual(codes(first), expected);
    assert.equal(first.summary.failed, 3);
    renameSync(join(root, 'text.mp3'), join(root, 'renamed.mp3'));
    const again = await scannedWith(storePath, root);
    assert.equal(again.summary.failed, 3);
    // A file of 0 bytes has no content to remember.
    assert.deepEqual(sources(again), { unchanged: 2, recognized: 1, analyzed: 1 });
    const renamed = resultOf(again, 'renamed.mp3');
    assert.ok('error' in renamed);
    assert.ok(renamed.error.message.includes(join(root, 'renamed.mp3')), renamed.error.message);
    assert.ok(!renamed.error.message.includes('text.mp3'), renamed.error.message);
  });

  it('gives results in path order when asked, a long file in front', async () => {
    const { root } = await clips(12);
    await writeTestSound(join(root, 'a-long-one.wav'), 'noise', 60, 5);
    const outcome = await scanned(root, { ordered: true });
    assert.deepEqual(names(outcome), [...names(outcome)].sort());
    assert.equal(outcome.results.length, 13);
  });

  it('leaves out files that were modified before a time', async () => {
    const { root } = await clips(3);
    utimesSync(join(root, 'clip1.wav'), new Date(), new Date('2020-01-01'));
    const outcome = await scanned(root, { since: new Date('2021-06-01'), ordered: true });
    assert.deepEqual(names(outcome), ['clip0.wav', 'clip2.wav']);
    assert.equal(outcome.summary.files, 2);
  });

  it('tells how many files there are and how many are done', async () => {
    const { root } = await clips(5);
    const done: number[] = [];
    let last: { found: number; allFound: boolean } | undefined;
    await scanned(root, {
      onProgress: ({ summary, ...state }) => {
        done.push(summary.files);
        last = state;
      },
    });
    assert.deepEqual(done.at(-1), 5);
    assert.deepEqual(last, { found: 5, allFound: true });
  });

  it('keeps what is done when it is cancelled, and does only the rest afterwards', async () => {
    const { root, storePath } = await clips(40);
    const abort = new AbortController();
    let seen = 0;
    const store = await ResultStore.open(storePath);
    const cancelled = scan(detector.classifier, {
      paths: [root],
      store,
      signal: abort.signal,
      onResult: () => {
        if (++seen === 8) abort.abort();
      },
    });
    await assert.rejects(cancelled, (error: { code?: ErrorCode }) => error.code === ErrorCode.Cancelled);
    await store.close();
    assert.ok(seen < 40);
    const rest = await scannedWith(storePath, root);
    assert.equal(rest.results.length, 40);
    assert.ok(rest.summary.unchanged >= 8, `${rest.summary.unchanged} of ${seen} were kept`);
    assert.equal(rest.summary.unchanged + rest.summary.analyzed, 40);
  });

  it('ends when a result cannot be handed over', async () => {
    const { root } = await clips(3);
    for (const ordered of [false, true]) {
      const failing = scanned(root, {
        ordered,
        onResult: () => {
          throw new Error('no more room');
        },
      });
      await assert.rejects(failing, /no more room/);
    }
  });

  it('shares a store with another scan at the same time', async () => {
    const { root, storePath } = await clips(20);
    const outcomes = await Promise.all([
      scannedWith(storePath, root),
      scannedWith(storePath, root),
      scannedWith(storePath, root, {}, other),
    ]);
    for (const { results } of outcomes) {
      assert.equal(new Set(results.map(({ file }) => file)).size, 20);
      assert.ok(results.every((result) => 'verdict' in result));
    }
    const again = await scannedWith(storePath, root);
    assert.deepEqual(sources(again), { unchanged: 20, recognized: 0, analyzed: 0 });
  });

  it('does not keep the result of a file that is written to while it is read', async () => {
    const { root, storePath } = await clips(1);
    const file = join(root, 'clip0.wav');
    const store = await ResultStore.open(storePath);
    const { classifier } = detector;
    const grow = Object.assign(Object.create(classifier), {
      classify: async (...parameters: Parameters<typeof classifier.classify>) => {
        const verdict = await classifier.classify(...parameters);
        appendFileSync(file, 'more');
        return verdict;
      },
    });
    await scan(grow, { paths: [root], store, onResult: () => {} });
    assert.equal(store.size, 0);
    await store.close();
  });
});

describe('the store', () => {
  it('refuses a file that is something else, and says what to do', async () => {
    const path = join(folder, 'not-a-store.mdb');
    writeFileSync(path, 'Something else.'.repeat(1000));
    await assert.rejects(
      ResultStore.open(path),
      isDeepfakeError(ErrorCode.StoreUnusable, path, /--no-store/),
    );
  });

  it('is set aside when it was cut off, at whatever length, and a new one is made', async () => {
    const { root, storePath } = await clips(2);
    await scannedWith(storePath, root);
    const whole = await readFile(storePath);
    assert.equal((await scannedWith(storePath, root)).summary.unchanged, 2);
    for (const length of [100, 160, 4096, 4200, 8192, whole.length / 2, whole.length - 1]) {
      const path = join(folder, `cut-${length}.mdb`);
      writeFileSync(path, whole.subarray(0, length));
      const warnings: string[] = [];
      const store = await ResultStore.open(path, (message) => warnings.push(message));
      assert.equal(store.size, 0);
      await store.close();
      assert.equal(warnings.length, 1);
      assert.ok(warnings[0].includes(`${path}.damaged`), warnings[0]);
      assert.equal(statSync(`${path}.damaged`).size, length);
      const again = await ResultStore.open(path, assert.fail);
      await again.close();
    }
  });

  it('is made anew after it was deleted', async () => {
    const { root, storePath } = await clips(1);
    await scannedWith(storePath, root);
    rmSync(storePath);
    assert.equal((await scannedWith(storePath, root)).summary.analyzed, 1);
  });

  it('holds paths of any length', async () => {
    const store = await ResultStore.open(join(folder, 'paths.mdb'));
    const state = { size: 1n, mtimeNs: 2n, ctimeNs: 3n };
    const path = `/${'very long folder/'.repeat(240)}clip.wav`;
    await store.putContentHash(path, stateText(state), 'ab'.repeat(32));
    assert.equal(store.contentHash(path, stateText(state)), 'ab'.repeat(32));
    for (const changed of [{ size: 9n }, { mtimeNs: 9n }, { ctimeNs: 9n }]) {
      assert.equal(store.contentHash(path, stateText({ ...state, ...changed })), undefined);
    }
    await store.close();
  });
});
