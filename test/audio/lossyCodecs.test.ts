import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CODECS, throughCodecs, usableCodecs } from '../../daemon/audio/lossyCodecs.ts';
import { packageRoot } from '../../daemon/paths.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { isDeepfakeError } from '../helpers.ts';

const RATE = 16_000;
const NO_FFMPEG = join(packageRoot, 'no-ffmpeg-here');

/** Two seconds of a sweep from 300 to 2,700 Hz, which has every moment only once. */
const sweep = Float32Array.from({ length: 2 * RATE }, (_, n) => {
  const seconds = n / RATE;
  return 0.3 * Math.sin(2 * Math.PI * (300 + 600 * seconds) * seconds);
});

function correlation(a: Float32Array, b: Float32Array): number {
  let [product, squares, others] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += a[i] * b[i];
    squares += a[i] ** 2;
    others += b[i] ** 2;
  }
  return product / Math.sqrt(squares * others);
}

describe('a codec round trip', () => {
  it('by a telephone line needs no ffmpeg, and leaves nothing above 4 kHz', async () => {
    assert.deepEqual(await usableCodecs(CODECS, NO_FFMPEG), ['g711']);
    const high = Float32Array.from(
      { length: RATE },
      (_, n) => 0.3 * Math.sin((2 * Math.PI * 5000 * n) / RATE),
    );
    const [low, gone] = [
      (await throughCodecs(sweep, RATE, ['g711'], NO_FFMPEG))[0],
      (await throughCodecs(high, RATE, ['g711'], NO_FFMPEG))[0],
    ];
    assert.equal(low.length, sweep.length);
    assert.ok(correlation(low, sweep) > 0.999);
    assert.notDeepEqual(low, sweep);
    // Where the tone begins and ends there is every frequency.
    assert.ok(gone.subarray(1000, -1000).every((sample) => Math.abs(sample) < 0.01));
  });

  it('without ffmpeg is refused with the remedy', async () => {
    await assert.rejects(
      throughCodecs(sweep, RATE, ['mp3-64k'], NO_FFMPEG),
      isDeepfakeError(ErrorCode.DecoderMissing, NO_FFMPEG, /install ffmpeg/),
    );
  });

  it('by ffmpeg gives the same sound, where it was and as long as it was', async (context) => {
    const codecs = await usableCodecs(CODECS);
    if (codecs.length === 1) return context.skip('no ffmpeg on the PATH');
    const results = await throughCodecs(sweep, RATE, codecs);
    results.forEach((result, i) => {
      assert.equal(result.length, sweep.length, codecs[i]);
      assert.notDeepEqual(result, sweep, codecs[i]);
      assert.ok(correlation(result, sweep) > 0.9, `${codecs[i]}: ${correlation(result, sweep)}`);
    });
  });
});
