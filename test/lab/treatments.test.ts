import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rootMeanSquare } from '../../daemon/features/windows.ts';
import { seededRandom } from '../../daemon/random.ts';
import { TREATMENTS } from '../../scripts/lab/treatments.ts';

const RATE = 16_000;
const tone = Float32Array.from({ length: RATE }, (_, n) => 0.5 * Math.sin((2 * Math.PI * 440 * n) / RATE));

async function treated(name: RegExp, samples = tone): Promise<Float32Array> {
  const treatment = TREATMENTS.find((each) => name.test(each.name));
  assert.ok(treatment, `${name}`);
  return treatment.apply(samples, RATE, seededRandom(2));
}
const decibels = (ratio: number): number => 20 * Math.log10(ratio);

describe('a treatment', () => {
  it('adds noise at the ratio that it is named after', async () => {
    for (const snr of [10, 20]) {
      const noisy = await treated(new RegExp(`noise, ${snr} dB`));
      const noise = noisy.map((sample, n) => sample - tone[n]);
      const measured = decibels(rootMeanSquare(tone) / rootMeanSquare(noise));
      assert.ok(Math.abs(measured - snr) < 0.2, `${measured} dB`);
    }
  });

  it('puts a click into a room that decays by 60 dB in half a second and is 5 dB below the direct sound', async () => {
    const click = new Float32Array(RATE);
    click[0] = 1;
    const room = await treated(/^room/, click);
    assert.equal(room[0], 1);
    const energy = (from: number, to: number) => room.subarray(from, to).reduce((sum, v) => sum + v * v, 0);
    assert.ok(Math.abs(10 * Math.log10(1 / energy(1, RATE)) - 5) < 0.1);
    const decay = 10 * Math.log10(energy(1, 800) / energy(4001, 4800));
    assert.ok(Math.abs(decay - 30) < 1.5, `${decay} dB in a quarter of a second`);
  });

  it('trims, pads and attenuates', async () => {
    assert.equal((await treated(/less at either end/)).length, RATE / 2);
    const padded = await treated(/silence at either end/);
    assert.equal(padded.length, 2 * RATE);
    assert.deepEqual(padded.subarray(RATE / 2, (3 * RATE) / 2), tone);
    const quiet = await treated(/gain/);
    assert.ok(Math.abs(decibels(rootMeanSquare(quiet) / rootMeanSquare(tone)) + 20) < 1e-3);
  });
});
