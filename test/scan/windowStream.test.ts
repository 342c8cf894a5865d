import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { referenceFeatures } from '../../daemon/features/featureConfig.ts';
import { WindowStream } from '../../daemon/features/windowStream.ts';
import { audibleStarts, extractWindow, windowStarts } from '../../daemon/features/windows.ts';
import { GoldenRandom } from '../golden/goldenRandom.ts';

/** Windows of 1,000 samples. */
const config = { ...referenceFeatures, sampleRate: 1000, duration: 1 };
const OVERLAP = 0.5;

interface Seen {
  start: number;
  samples: Float32Array;
}

/** The windows that count when the sound comes in pieces of this length, as a scan takes them. */
function streamed(sound: Float32Array, piece: number, announced = sound.length): Seen[] {
  const stream = new WindowStream(config, OVERLAP);
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

/** The same from the whole sound. */
function whole(sound: Float32Array): Seen[] {
  const all = windowStarts(sound.length, config, OVERLAP);
  const audible = audibleStarts(sound, all, config);
  return (audible.length > 0 ? audible : all.slice(0, 1)).map((start) => ({
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
          assert.deepEqual(streamed(sound, piece), whole(sound), `pieces of ${piece}, seed ${seed}`);
        }
      }
    });
  }

  it('are the first one of digital silence', () => {
    const sound = new Float32Array(5000);
    assert.deepEqual(streamed(sound, 300), [{ start: 0, samples: new Float32Array(1000) }]);
  });

  it('end where the resampler says that the sound ends, a few samples earlier or later than what it gave', () => {
    const sound = unevenSound(5000, 4).map((x) => (x === 0 ? 0.1 : Math.sign(x) * 0.1));
    assert.deepEqual(streamed(sound, 100, 4997), whole(sound.subarray(0, 4997)));
    const longer = new Float32Array(5002);
    longer.set(sound);
    assert.deepEqual(streamed(sound, 100, 5002), whole(longer));
  });
});
