import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadAudio } from '../../daemon/audio/loadAudio.ts';
import { encodeWav } from '../../scripts/encodeWav.ts';
import { temporaryFolder, testSound, writeSound } from '../helpers.ts';

describe('a WAV file of samples', () => {
  it('is read back within half a step of 16 bits', async () => {
    const sound = testSound('tone', 0.5, 1);
    const path = await writeSound(join(temporaryFolder(), 'tone.wav'), sound);
    const { samples, facts } = await loadAudio(path, { sampleRate: 16_000 });
    assert.deepEqual([facts.channels, facts.sampleRate, facts.bitsPerSample], [1, 16_000, 16]);
    assert.equal(samples.length, sound.length);
    samples.forEach((sample, i) => {
      assert.ok(Math.abs(sample - sound[i]) <= 1.5 / 32768);
    });
  });

  it('clips what is too loud instead of turning it round', () => {
    const wav = encodeWav(Float32Array.of(1.5, -1.5, 1, -1), 8000);
    const samples = [0, 1, 2, 3].map((i) => wav.readInt16LE(44 + 2 * i));
    assert.deepEqual(samples, [32767, -32767, 32767, -32767]);
  });

  it('says in its header how long it is', () => {
    const wav = encodeWav(new Float32Array(100), 8000);
    assert.equal(wav.toString('latin1', 0, 4), 'RIFF');
    assert.equal(wav.readUInt32LE(4), wav.length - 8);
    assert.equal(wav.readUInt32LE(24), 8000);
    assert.equal(wav.readUInt32LE(40), 200);
  });
});
