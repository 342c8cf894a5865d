import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { AnalysisPool } from '../../daemon/features/analysisPool.ts';
import { referenceFeatures } from '../../daemon/features/featureConfig.ts';
import {
  AugmentedExamples,
  type LabelledClip,
  type PreparationOptions,
  StoredFeatures,
} from '../../daemon/training/examples.ts';
import { FeatureCache, openFeatureCache } from '../../daemon/training/featureCache.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { isDeepfakeError, subfolder, temporaryFolder, testSound, writeSound } from '../helpers.ts';

const folder = temporaryFolder();
const FIRST = { use: 'first', overlap: 0 } as const;
const ALL = { use: 'all', overlap: 0.5 } as const;
const WINDOW_BYTES = 4 * 64 * 251;

/** Counts what it is asked for. */
class CountingPool extends AnalysisPool {
  analyzed = 0;
  hashed = 0;

  override analyze(...parameters: Parameters<AnalysisPool['analyze']>) {
    this.analyzed++;
    return super.analyze(...parameters);
  }

  override spectra(...parameters: Parameters<AnalysisPool['spectra']>) {
    this.analyzed++;
    return super.spectra(...parameters);
  }

  override contentHash(...parameters: Parameters<AnalysisPool['contentHash']>) {
    this.hashed++;
    return super.contentHash(...parameters);
  }

  /** What was asked for since the last time. */
  take() {
    const { analyzed, hashed } = this;
    this.analyzed = 0;
    this.hashed = 0;
    return { analyzed, hashed };
  }
}

const pool = new CountingPool({ workers: 2 });
after(() => pool.dispose());

let places = 0;
async function place(count: number, seconds = 0.5): Promise<{ clips: LabelledClip[]; cacheFolder: string }> {
  const root = subfolder(folder, `clips${places}`);
  const clips: LabelledClip[] = [];
  for (let i = 0; i < count; i++) {
    const sound = testSound(i % 2 ? 'tone' : 'noise', seconds, 100 * places + i);
    clips.push({ path: await writeSound(join(root, `clip${i}.wav`), sound), label: i % 2 ? 1 : 0 });
  }
  return { clips, cacheFolder: join(folder, `cache${places++}`) };
}

/** All features of a preparation of its own, as a new process would make it, and what it took. */
async function prepared(
  clips: LabelledClip[],
  cacheFolder: string | undefined,
  {
    policy = FIRST as typeof FIRST | typeof ALL,
    ...options
  }: Partial<PreparationOptions> & { policy?: typeof FIRST | typeof ALL } = {},
) {
  const cache = cacheFolder === undefined ? undefined : await FeatureCache.open(cacheFolder);
  const examples = await StoredFeatures.prepare(clips, policy, {
    pool,
    features: referenceFeatures,
    cache,
    ...options,
  });
  try {
    return {
      values: await examples.read(examples.windows.flat()),
      windows: examples.windows,
      ...pool.take(),
    };
  } finally {
    await examples.dispose();
  }
}

/** Files of a cache with this extension, oldest first. */
const packs = (cacheFolder: string, extension: string): string[] =>
  readdirSync(cacheFolder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(extension))
    .sort((a, b) => (basename(a) < basename(b) ? -1 : 1))
    .map((name) => join(cacheFolder, name));

describe('features of training clips', () => {
  it('are not computed again in the next run, nor files read that have not changed', async () => {
    const { clips, cacheFolder } = await place(6);
    const alone = await prepared(clips, undefined);
    const first = await prepared(clips, cacheFolder);
    const second = await prepared(clips, cacheFolder);
    assert.deepEqual([alone.analyzed, alone.hashed], [6, 0]);
    assert.deepEqual([first.analyzed, first.hashed], [6, 6]);
    assert.deepEqual([second.analyzed, second.hashed], [0, 0]);
    assert.deepEqual(first.values, alone.values);
    assert.deepEqual(second.values, alone.values);
  });

  it('are found again by content where a file was copied, moved or touched', async () => {
    const { clips, cacheFolder } = await place(2);
    const first = await prepared(clips, cacheFolder);
    const copy = `${clips[0].path}.copy.wav`;
    copyFileSync(clips[0].path, copy);
    utimesSync(clips[1].path, new Date(), new Date(0));
    const moved = [{ ...clips[0], path: copy }, clips[1]];
    const second = await prepared(moved, cacheFolder);
    assert.deepEqual([second.analyzed, second.hashed], [0, 2]);
    assert.deepEqual(second.values, first.values);
    assert.deepEqual((await prepared(moved, cacheFolder)).hashed, 0);
  });

  it('are computed anew for new content, even of the same size behind a modification time that was put back', async () => {
    const { clips, cacheFolder } = await place(2);
    const first = await prepared(clips, cacheFolder);
    const { atime, mtime } = statSync(clips[1].path);
    const file = await open(clips[1].path, 'r+');
    await file.write(Buffer.alloc(2000, 0x55), 0, 2000, 4000);
    await file.close();
    utimesSync(clips[1].path, atime, mtime);
    const second = await prepared(clips, cacheFolder);
    assert.equal(second.analyzed, 1);
    assert.notDeepEqual(second.values, first.values);
    assert.deepEqual(second.values, (await prepared(clips, undefined)).values);
  });

  it('are those of their own configuration and windows', async () => {
    const { clips, cacheFolder } = await place(2, 9);
    const first = await prepared(clips, cacheFolder);
    const linear = { ...referenceFeatures, scale: 'linear' } as const;
    for (const changes of [{ features: linear }, { policy: ALL }]) {
      const fresh = await prepared(clips, undefined, changes);
      const other = await prepared(clips, cacheFolder, changes);
      assert.equal(other.analyzed, 2);
      assert.deepEqual(other.values, fresh.values);
      assert.deepEqual(other.windows, fresh.windows);
      const again = await prepared(clips, cacheFolder, changes);
      assert.equal(again.analyzed, 0);
      assert.deepEqual(again.values, fresh.values);
      assert.notDeepEqual(other.values, first.values);
    }
    const all = await prepared(clips, cacheFolder, { policy: ALL });
    assert.deepEqual(all.windows, [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
  });

  it('are computed anew where another version of the analysis has kept them, and never taken for its own', async () => {
    const { clips, cacheFolder } = await place(2);
    const first = await prepared(clips, cacheFolder);
    // The folder's name is the hash of what its values depend on, the analysis included.
    const [name] = readdirSync(cacheFolder);
    renameSync(join(cacheFolder, name), join(cacheFolder, [...name].reverse().join('')));
    const second = await prepared(clips, cacheFolder);
    assert.equal(second.analyzed, 2);
    assert.deepEqual(second.values, first.values);
    assert.equal(readdirSync(cacheFolder).length, 2);
  });

  it('leave out windows that turn out to be silent beside louder ones that follow, as prediction does', async () => {
    const sound = new Float32Array(12 * 16_000);
    sound.set(testSound('noise', 4, 1).map((x) => 0.003 * x));
    sound.set(testSound('noise', 4, 2), 8 * 16_000);
    const path = await writeSound(join(folder, 'crescendo.wav'), sound);
    const { windows } = await prepared([{ path, label: 0 }], undefined, { policy: ALL });
    assert.deepEqual(windows, [[0, 1]]);
  });

  it('are kept by a run that fails, as far as it got', async () => {
    const { clips, cacheFolder } = await place(4);
    const path = join(folder, 'no sound.wav');
    writeFileSync(path, 'This is no recording.'.repeat(100));
    await assert.rejects(
      prepared([...clips, { path, label: 0 }], cacheFolder),
      isDeepfakeError(ErrorCode.NotAudio, path),
    );
    pool.take();
    assert.equal((await prepared(clips, cacheFolder)).analyzed, 0);
  });

  it('stop being computed when that is cancelled', async () => {
    const { clips, cacheFolder } = await place(40);
    const abort = new AbortController();
    const onProgress = (done: number) => done === 5 && abort.abort();
    await assert.rejects(prepared(clips, cacheFolder, { signal: abort.signal, onProgress }), {
      code: ErrorCode.Cancelled,
    });
    const { analyzed } = pool.take();
    assert.ok(analyzed < 40, `${analyzed}`);
    const rest = await prepared(clips, cacheFolder);
    assert.ok(rest.analyzed <= 35, `${rest.analyzed}`);
  });

  it('are the same for two runs at once, which both find the work of the other afterwards', async () => {
    const { clips, cacheFolder } = await place(10);
    const fresh = await prepared(clips, undefined);
    const runs = await Promise.all([
      prepared(clips, cacheFolder),
      prepared([...clips].reverse(), cacheFolder),
    ]);
    assert.deepEqual(runs[0].values, fresh.values);
    pool.take();
    const again = await prepared(clips, cacheFolder);
    assert.equal(again.analyzed, 0);
    assert.deepEqual(again.values, fresh.values);
  });
});

describe('augmented views', () => {
  it('are the same from spectra that an earlier run has computed', async () => {
    const { clips, cacheFolder } = await place(4, 3);
    const features = { ...referenceFeatures, padding: 'tile' } as const;
    const views = async (cache?: FeatureCache) => {
      const noise = { probability: 0.5, snr: [10, 20] as [number, number] };
      const options = { pool, features, cache };
      const examples = await AugmentedExamples.prepare(clips, { crop: 1, noise }, 3, options);
      try {
        return { values: await examples.batch([3, 0, 2], 7), ...pool.take() };
      } finally {
        await examples.dispose();
      }
    };
    const fresh = await views();
    const first = await views(await FeatureCache.open(cacheFolder));
    const second = await views(await FeatureCache.open(cacheFolder));
    assert.deepEqual([first.analyzed, second.analyzed, second.hashed], [4, 0, 0]);
    assert.deepEqual(first.values, fresh.values);
    assert.deepEqual(second.values, fresh.values);
  });
});

describe('a damaged cache', () => {
  const damages: [string, (values: string, index: string) => void, number][] = [
    ['values that were cut off', (values) => truncateSync(values, 2.5 * WINDOW_BYTES), 2],
    ['no values at all', (values) => truncateSync(values, 0), 4],
    ['missing values', (values) => rmSync(values), 4],
    ['a flipped bit', (values) => flip(values, WINDOW_BYTES + 5), 1],
    ['an index that was cut off in a line', (_, index) => truncateSync(index, statSync(index).size - 40), 1],
    ['a flipped bit in the index', (_, index) => flip(index, 100), 1],
    ['rubbish in the index', (_, index) => appendFileSync(index, '00000000 {"content":\n\0\0\n{}'), 0],
    ['a missing index', (_, index) => rmSync(index), 4],
  ];
  for (const [what, damage, lost] of damages) {
    it(`with ${what} is never believed: ${lost} of 4 clips are computed anew, once`, async () => {
      const { clips, cacheFolder } = await place(4);
      const first = await prepared(clips, cacheFolder);
      damage(packs(cacheFolder, '.f32')[0], packs(cacheFolder, '.index')[0]);
      const second = await prepared(clips, cacheFolder);
      assert.equal(second.analyzed, lost);
      assert.deepEqual(second.values, first.values);
      const third = await prepared(clips, cacheFolder);
      assert.equal(third.analyzed, 0);
      assert.deepEqual(third.values, first.values);
    });
  }

  it('is an error, not other numbers, when the damage is done while training reads it', async () => {
    const { clips, cacheFolder } = await place(4);
    await prepared(clips, cacheFolder);
    const cache = await FeatureCache.open(cacheFolder);
    const examples = await StoredFeatures.prepare(clips, FIRST, { pool, features: referenceFeatures, cache });
    const [values] = packs(cacheFolder, '.f32');
    await examples.batch([0, 1, 2, 3]);
    flip(values, 5);
    await assert.rejects(
      examples.batch([0, 1, 2, 3]),
      isDeepfakeError(ErrorCode.StoreUnusable, values, /start again/),
    );
    truncateSync(values, 0);
    await assert.rejects(examples.batch([3]), isDeepfakeError(ErrorCode.StoreUnusable, values));
    await examples.dispose();
  });
});

function flip(path: string, position: number): void {
  const bytes = readFileSync(path);
  bytes[position] ^= 4;
  writeFileSync(path, bytes);
}

describe('the size of the cache', () => {
  const GIGABYTES = (windows: number) => (windows * WINDOW_BYTES) / 1e9;

  it('stays below the limit: the data set that was not used for longest goes', async () => {
    const sets = [await place(3), await place(3), await place(3)];
    const { cacheFolder } = sets[0];
    for (const [i, { clips }] of sets.entries()) {
      await prepared(clips, cacheFolder);
      const time = new Date(Date.now() - (10 - i) * 60_000);
      for (const extension of ['.f32', '.index']) utimesSync(packs(cacheFolder, extension)[i], time, time);
    }
    // The oldest one is used again.
    assert.equal((await prepared(sets[0].clips, cacheFolder)).analyzed, 0);
    const cache = await FeatureCache.open(cacheFolder, GIGABYTES(8));
    assert.equal(cache.shrink(), 1);
    assert.equal(cache.shrink(), 0);
    const computed = [];
    for (const { clips } of sets) computed.push((await prepared(clips, cacheFolder)).analyzed);
    assert.deepEqual(computed, [0, 3, 0]);
  });

  it('may be exceeded by what the run under way needs', async () => {
    const { clips, cacheFolder } = await place(3);
    const cache = await FeatureCache.open(cacheFolder, GIGABYTES(1));
    const options = { pool, features: referenceFeatures, cache };
    const first = await StoredFeatures.prepare(clips, FIRST, options);
    assert.equal(cache.shrink(), 0);
    await first.dispose();
    const found = await StoredFeatures.prepare(clips, FIRST, {
      ...options,
      cache: await FeatureCache.open(cacheFolder, GIGABYTES(1)),
    });
    assert.equal((await FeatureCache.open(cacheFolder, GIGABYTES(1))).shrink(), 1);
    await found.dispose();
    pool.take();
  });

  it('forgets what was not used for a month, and never deletes what is not its own', async () => {
    const { clips, cacheFolder } = await place(2);
    await prepared(clips, cacheFolder);
    const [profile] = readdirSync(cacheFolder);
    const own = [...packs(cacheFolder, '.f32'), ...packs(cacheFolder, '.index')];
    const others = [join(cacheFolder, 'holiday.f32'), join(cacheFolder, profile, 'holiday.f32')];
    for (const path of others) writeFileSync(path, 'precious');
    const old = new Date(Date.now() - 31 * 24 * 3600 * 1000);
    for (const path of [...others, own[0]]) utimesSync(path, old, old);
    const cache = await FeatureCache.open(cacheFolder);
    assert.equal(cache.shrink(), 0, 'one of the files was used today');
    utimesSync(own[1], old, old);
    assert.equal(cache.shrink(), 1);
    assert.deepEqual(own.filter(existsSync), []);
    for (const path of others) assert.equal(readFileSync(path, 'utf8'), 'precious');
  });
});

describe('the folder of the cache', () => {
  it('is refused where it cannot be written to', async () => {
    const file = join(folder, 'a file');
    writeFileSync(file, '');
    await assert.rejects(
      openFeatureCache(file, undefined, assert.fail),
      isDeepfakeError(ErrorCode.StoreUnusable, file, /--no-feature-cache/),
    );
  });
});
