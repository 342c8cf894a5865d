import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadAudio } from '../../daemon/audio/loadAudio.ts';
import { bytesOf, chunk, type WavFields, wavFile } from './wavFile.ts';

describe('WAVE files', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'deepfake-wav-'));
  });
  after(() => rm(folder, { recursive: true }));

  async function load(fields: WavFields) {
    const path = join(folder, 'clip.wav');
    await writeFile(path, wavFile(fields));
    return loadAudio(path);
  }
  const samplesOf = async (fields: WavFields): Promise<number[]> => [...(await load(fields)).samples];

  const data16 = bytesOf(Int16Array.of(0, 1, -1, 32_767, -32_768));
  const values16 = [0, 1 / 32_768, -1 / 32_768, 32_767 / 32_768, -1];

  it('divide 16-bit samples by 32768, as libsndfile does', async () => {
    assert.deepEqual(await samplesOf({ data: data16 }), values16);
  });

  it('take 8-bit samples as unsigned around 128', async () => {
    assert.deepEqual(await samplesOf({ data: Uint8Array.of(0, 64, 128, 192), bits: 8 }), [-1, -0.5, 0, 0.5]);
  });

  it('keep the lowest 24-bit value negative', async () => {
    const data = Uint8Array.of(0, 0, 0x80, 0xff, 0xff, 0x7f, 0, 0, 0x40);
    assert.deepEqual(await samplesOf({ data, bits: 24 }), [-1, Math.fround(1 - 2 ** -23), 0.5]);
  });

  it('read 32-bit integers, floats and doubles', async () => {
    assert.deepEqual(
      await samplesOf({ data: bytesOf(Int32Array.of(-(2 ** 31), 2 ** 30)), bits: 32 }),
      [-1, 0.5],
    );
    const floats = { data: bytesOf(Float32Array.of(-0.25, 1.5)), format: 3, bits: 32 };
    assert.deepEqual(await samplesOf(floats), [-0.25, 1.5]);
    const doubles = { data: bytesOf(Float64Array.of(-0.25, 0.125)), format: 3, bits: 64 };
    assert.deepEqual(await samplesOf(doubles), [-0.25, 0.125]);
  });

  it('expand A-law and µ-law by the tables of G.711', async () => {
    // Codes for the smallest and largest magnitudes, from ITU-T G.711 in 16 bits.
    const aLaw = { data: Uint8Array.of(0xd5, 0x55, 0xaa, 0x2a), format: 6, bits: 8 };
    assert.deepEqual(
      await samplesOf(aLaw),
      [8, -8, 32_256, -32_256].map((value) => value / 32_768),
    );
    const muLaw = { data: Uint8Array.of(0xff, 0x7f, 0x80, 0x00), format: 7, bits: 8 };
    assert.deepEqual(
      await samplesOf(muLaw),
      [0, 0, 32_124, -32_124].map((value) => value / 32_768),
    );
  });

  it('may be EXTENSIBLE', async () => {
    const data = bytesOf(Float32Array.of(0.5, -0.5));
    assert.deepEqual(await samplesOf({ data, bits: 32, extensible: 3 }), [0.5, -0.5]);
  });

  it('average the channels', async () => {
    const data = bytesOf(Float32Array.of(0.5, 0.25, 0, 1, -1, 0.75));
    assert.deepEqual(await samplesOf({ data, format: 3, bits: 32, channels: 3 }), [0.25, 0.25]);
  });

  it('may have chunks of odd size before the sound and anything behind it', async () => {
    const before = chunk('LIST', Uint8Array.of(1, 2, 3));
    const after = chunk('id3 ', new Uint8Array(100));
    assert.deepEqual(await samplesOf({ data: data16, before, after }), values16);
  });

  it('may be RF64, with the size in ds64', async () => {
    const sizes = new DataView(new ArrayBuffer(28));
    sizes.setBigUint64(8, BigInt(data16.length), true);
    const before = chunk('ds64', new Uint8Array(sizes.buffer));
    const fields = { data: data16, before, riff: 'RF64', dataSize: 0xffff_ffff } as const;
    assert.deepEqual(await samplesOf({ ...fields, after: new Uint8Array(10) }), values16);
  });

  for (const dataSize of [0, 0xffff_ffff]) {
    it(`go on to the end of the file where a recorder left the size at ${dataSize}`, async () => {
      const { samples, facts } = await load({ data: data16, dataSize });
      assert.deepEqual([...samples], values16);
      assert.equal(facts.warnings.length, 1);
    });
  }

  it('tell their facts', async () => {
    const { facts } = await load({ data: new Uint8Array(44_100 * 4), channels: 2, sampleRate: 44_100 });
    assert.deepEqual(facts, {
      container: 'wav',
      codec: 'pcm_s16',
      sampleRate: 44_100,
      channels: 2,
      bitsPerSample: 16,
      duration: 1,
      bytes: 44 + 44_100 * 4,
      decoder: 'wav-decoder',
      warnings: [],
    });
  });

  it('may last twenty minutes', async () => {
    const length = 20 * 60 * 16_000;
    const path = join(folder, 'long.wav');
    await writeFile(path, wavFile({ data: Uint8Array.of(192), bits: 8, dataSize: length }));
    await truncate(path, 44 + length);
    const { samples, facts } = await loadAudio(path);
    assert.equal(samples.length, length);
    assert.equal(facts.duration, 1200);
    assert.deepEqual([samples[0], samples[1], samples.at(-1)], [0.5, -1, -1]);
  });

  it('are read in blocks without a seam', async () => {
    const data = bytesOf(Int16Array.from({ length: 400_000 }, (_, i) => (i * 7919) % 32_768));
    const samples = await samplesOf({ data, channels: 2 });
    assert.equal(samples.length, 200_000);
    const worst = samples.findIndex((value, i) => {
      const mean = (((2 * i * 7919) % 32_768) + (((2 * i + 1) * 7919) % 32_768)) / 2 / 32_768;
      return value !== Math.fround(mean);
    });
    assert.equal(worst, -1);
  });
});
