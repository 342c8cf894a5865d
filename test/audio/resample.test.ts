import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Resampler, resample } from '../../daemon/audio/resample.ts';
import golden from '../golden/resample.json' with { type: 'json' };

const TARGET = 16_000;

/** The signal of test/golden/make_resample_golden.py. */
function goldenSignal(rate: number): Float32Array {
  let state = rate;
  return Float32Array.from({ length: Math.round(rate * golden.seconds) + 3 }, (_, i) => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    const t = i / rate;
    return 0.4 * Math.sin(2 * Math.PI * (50 + 60_000 * t) * t) + 0.2 * (state / 2 ** 32 - 0.5);
  });
}

const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0);

describe('resampling to 16 kHz', () => {
  for (const { rate, samples } of golden.cases) {
    it(`equals soxr HQ ${golden.soxr} from ${rate} Hz to 1e-6`, () => {
      const bytes = Buffer.from(samples, 'base64');
      const expected = new Float32Array(
        bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
      );
      const input = goldenSignal(rate);
      const output = resample(input, rate, TARGET);
      assert.equal(output.length, Math.ceil((input.length * TARGET) / rate));
      // soxr rounds the length, librosa and we round up: at most one sample more, which librosa fills with zero.
      const common = Math.min(expected.length, output.length);
      assert.ok(output.length - common <= 1);
      assert.ok(largestDifference(expected.subarray(0, common), output) < 1e-6);
    });
  }

  it('returns the input itself where the rates are equal', () => {
    const input = goldenSignal(TARGET);
    assert.equal(resample(input, TARGET, TARGET), input);
  });

  it('gives the same samples whatever pieces the input comes in', () => {
    const input = goldenSignal(44_100);
    const pieces: number[] = [];
    const resampler = new Resampler(44_100, TARGET, (samples) => pieces.push(...samples));
    for (let at = 0; at < input.length; at += 101) {
      resampler.push(input.subarray(at, at + 101));
    }
    resampler.finish();
    const whole = resample(input, 44_100, TARGET);
    assert.equal(largestDifference(Float32Array.from(pieces).subarray(0, whole.length), whole), 0);
  });

  it('removes what lies above the new Nyquist frequency', () => {
    const tone = Float32Array.from({ length: 44_100 }, (_, i) => Math.sin((2 * Math.PI * 8100 * i) / 44_100));
    const middle = resample(tone, 44_100, TARGET).subarray(2000, 14_000);
    assert.ok(Math.max(...middle.map(Math.abs)) < 1e-5);
  });

  it('refuses a rate of zero', () => {
    assert.throws(() => resample(new Float32Array(10), 0, TARGET), RangeError);
  });
});
