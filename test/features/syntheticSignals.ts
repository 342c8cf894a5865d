import { GoldenRandom } from '../golden/goldenRandom.ts';

const RATE = 16_000;
const TAU = 2 * Math.PI;

const signal = (length: number, value: (n: number) => number): Float32Array =>
  Float32Array.from({ length }, (_, n) => value(n));

/** The signals of make_golden.py. */
export const syntheticSignals: Record<string, () => Float32Array> = {
  'silence, then a tone': () =>
    signal(48_000, (n) => (n < 16_000 ? 0 : 0.5 * Math.sin(TAU * 440 * ((n - 16_000) / RATE)))),
  'white noise': () => new GoldenRandom(1).array(64_000, 0.25),
  'faint noise with an offset': () => new GoldenRandom(2).array(64_000, 1e-4, 0.01),
  'a hundred samples': () => new GoldenRandom(3).array(100, 0.5),
  'one sample': () => Float32Array.of(0.5),
  'six seconds of a sweep': () =>
    signal(96_000, (n) => 0.3 * Math.sin(TAU * (100 + 500 * (n / RATE)) * (n / RATE))),
  'an impulse': () => signal(64_000, (n) => (n === 30_000 ? 1 : 0)),
  'a full-scale square wave': () => signal(20_000, (n) => (n % 64 < 32 ? 1 : -1)),
  'digital silence': () => new Float32Array(64_000),
};
