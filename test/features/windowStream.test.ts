import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FeatureConfig, referenceFeatures, windowLength } from '../../daemon/features/featureConfig.ts';
import { WindowStream } from '../../daemon/features/windowStream.ts';
import { extractWindow, rootMeanSquare } from '../../daemon/features/windows.ts';
import { GoldenRandom } from '../golden/goldenRandom.ts';

/** Windows of 1,000 samples. */
const config = { ...referenceFeatures, sampleRate: 1000, duration: 1 };
const OVERLAP = 0.5;

interface Seen {
  start: number;
  samples: Float32Array;
}

interface Cut {
  /** Samples in each piece that the sound comes in. */
  piece?: number;
  /** Length that the sound turns out to have. */
  announced?: number;
  features?: FeatureConfig;
  overlap?: number;
}

/** The windows that count when the sound comes in pieces, as a scan takes them. */
function streamed(
  sound: Float32Array,
  { piece = 100, announced = sound.length, features = config, overlap = OVERLAP }: Cut = {},
): Seen[] {
  const stream = new WindowStream(features, overlap);
  const taken: (Seen & { level: number })[] = [];
  const keep = (windows: Iterable<Seen & { level: number }>) => {
    for (const { start, samples, level } of windows) taken.push({ start, samples: samples.slice(), level });
  };
  for (let at = 0; at < sound.length; at += piece) {
    stream.push(sound.subarray(at, at + piece));
    keep(stream.take());
  }
  keep(stream.finish(announced));
  return taken
    .filter(({ level }) => level >= stream.silenceFloor)
    .map(({ start, samples }) => ({ start, samples }));
}

/** The same from the whole sound: half-overlapping windows, none more than 40 dB below the loudest or below −80 dBFS. */
function whole(sound: Float32Array): Seen[] {
  const length = windowLength(config);
  const starts: number[] = [];
  for (let start = 0; start + length < sound.length; start += length / 2) starts.push(start);
  starts.push(Math.max(0, sound.length - length));
  const levels = starts.map((start) => rootMeanSquare(sound.subarray(start, start + length)));
  const floor = Math.max(1e-4, Math.max(...levels) / 100);
  const audible = starts.filter((_, i) => levels[i] >= floor);
  return (audible.length > 0 ? audible : starts.slice(0, 1)).map((start) => ({
    start,
    samples: extractWindow(sound, start, config).slice(),
  }));
}

/** Noise whose loudness changes every half second, over six powers of ten. */
function unevenSound(length: number, seed: number): Float32Array {
  const random = new GoldenRandom(seed);
  const levels = Array.from({ length: Math.ceil(length / 500) }, () => 10 ** (-3 + 3 * random.uniform()));
  return Float32Array.from({ length }, (_, n) => levels[Math.floor(n / 500)] * random.uniform());
}

describe('windows cut from sound that comes in pieces', () => {
  for (const length of [1, 400, 999, 1000, 1001, 1063, 1064, 1065, 1500, 1501, 9000, 9001, 12_345]) {
    it(`are those of the whole sound, silent ones left out (${length} samples)`, () => {
      for (const piece of [1000, 7, 333, 20_000]) {
        for (const seed of [1, 2, 3]) {
          const sound = unevenSound(length, seed);
          assert.deepEqual(streamed(sound, { piece }), whole(sound), `pieces of ${piece}, seed ${seed}`);
        }
      }
    });
  }

  it('are the first one of digital silence', () => {
    const sound = new Float32Array(5000);
    assert.deepEqual(streamed(sound, { piece: 300 }), [{ start: 0, samples: new Float32Array(1000) }]);
  });

  it('end where the resampler says that the sound ends, a few samples earlier or later than what it gave', () => {
    const sound = unevenSound(5000, 4).map((x) => (x === 0 ? 0.1 : Math.sign(x) * 0.1));
    assert.deepEqual(streamed(sound, { announced: 4997 }), whole(sound.subarray(0, 4997)));
    const longer = new Float32Array(5002);
    longer.set(sound);
    assert.deepEqual(streamed(sound, { announced: 5002 }), whole(longer));
  });
});

/** Ten samples per window. */
const short: FeatureConfig = { ...referenceFeatures, sampleRate: 10, duration: 1 };
const startsOf = (sound: Float32Array, overlap: number) =>
  streamed(sound, { piece: 7, features: short, overlap }).map(({ start }) => start);

describe('windows', () => {
  const starts = (length: number, overlap: number) => startsOf(new Float32Array(length).fill(0.1), overlap);

  it('are a single one for sound that fits into it', () => {
    for (const length of [1, 9, 10]) assert.deepEqual(starts(length, 0.5), [0]);
  });

  it('cover the whole file and end with it, whatever its length and the overlap', () => {
    for (const overlap of [0, 0.25, 0.5, 0.9]) {
      for (let length = 11; length < 60; length++) {
        const found = starts(length, overlap);
        assert.equal(found[0], 0);
        assert.equal(found[found.length - 1], length - 10);
        const hop = Math.round(10 * (1 - overlap));
        found.slice(1).forEach((start, i) => {
          const step = start - found[i];
          assert.ok(step > 0 && step <= hop, `step ${step} at overlap ${overlap} and length ${length}`);
        });
      }
    }
  });

  it('overlap by half where that is asked for', () => {
    assert.deepEqual(starts(27, 0.5), [0, 5, 10, 15, 17]);
  });

  it('always move on, even where the overlap leaves less than a sample', () => {
    assert.deepEqual(starts(13, 0.99), [0, 1, 2, 3]);
  });
});

describe('silent windows', () => {
  /** Starts of the windows that count when consecutive ones have these levels. */
  const audible = (...levels: number[]) =>
    startsOf(Float32Array.from(levels.flatMap((level) => new Array(10).fill(level))), 0);

  it('are left out, in order', () => {
    assert.deepEqual(audible(0.5, 0, 0.25, 0), [0, 20]);
  });

  it('are those more than 40 dB below the loudest', () => {
    assert.deepEqual(audible(1, 0.0101, 0.0099), [0, 10]);
    assert.deepEqual(audible(0.0099, 0.0101, 1), [10, 20]);
  });

  it('are all of them where nothing reaches −80 dBFS, and the first one stands for all', () => {
    const silentAt = (...levels: number[]) => {
      const stream = new WindowStream(short, 0);
      stream.push(Float32Array.from(levels.flatMap((level) => new Array(10).fill(level))));
      const starts = [...stream.take(), ...stream.finish(10 * levels.length)].map(({ start }) => start);
      return { silent: stream.silent, starts };
    };
    assert.deepEqual(silentAt(0.9e-4, 0.8e-4), { silent: true, starts: [0] });
    assert.deepEqual(silentAt(0, 0), { silent: true, starts: [0] });
    assert.deepEqual(silentAt(1.1e-4, 0), { silent: false, starts: [0] });
  });

  it('are measured over the sound that is there, not over its padding', () => {
    const stream = new WindowStream(short, 0);
    stream.push(Float32Array.of(2e-4));
    const [{ level }] = stream.finish(1);
    assert.equal(level, Math.fround(2e-4));
    assert.equal(stream.silent, false);
  });
});
