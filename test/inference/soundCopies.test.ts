import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { loadAudio } from '../../daemon/audio/loadAudio.ts';
import { pcm16 } from '../../daemon/audio/pcm16.ts';
import { AnalysisPool } from '../../daemon/features/analysisPool.ts';
import { SoundCopies } from '../../daemon/inference/soundCopies.ts';
import { packageRoot } from '../../daemon/paths.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { isDeepfakeError, temporaryFolder, writeTestSound } from '../helpers.ts';

const temporary = temporaryFolder();
process.env[process.platform === 'win32' ? 'TEMP' : 'TMPDIR'] = temporary;
const pool = new AnalysisPool({ workers: 1 });
const copies = new SoundCopies(pool);
after(async () => {
  await copies.dispose();
  await pool.dispose();
});
const sample = (name: string) => join(packageRoot, 'media', 'samples', name);

/** Counts the decodings that begin from now on. */
function countDecodings(): () => number {
  const { copySound, samples } = pool;
  let count = 0;
  pool.copySound = (...parameters) => {
    count++;
    return copySound.apply(pool, parameters);
  };
  pool.samples = (...parameters) => {
    count++;
    return samples.apply(pool, parameters);
  };
  return () => {
    Object.assign(pool, { copySound, samples });
    return count;
  };
}

describe('the copy of a sound', () => {
  for (const name of ['genuine-woman-english.flac', 'synthetic-piper-english.mp3']) {
    it(`gives slices of ${name} that are those of the decoded file, decoding once`, async () => {
      const whole = (await loadAudio(sample(name))).samples;
      const decodings = countDecodings();
      for (const [start, length] of [
        [0, 1],
        [2, 1.5],
        [1, 100],
      ]) {
        const slice = await copies.slice(sample(name), start, length);
        assert.deepEqual(slice, pcm16(whole.subarray(start * 16_000, (start + length) * 16_000)));
      }
      assert.equal(decodings(), 1);
    });
  }

  it('is empty after the end', async () => {
    assert.equal((await copies.slice(sample('genuine-woman-english.flac'), 500, 10)).length, 0);
  });

  it('is not made of a file that can be read from its middle', async () => {
    const file = await writeTestSound(join(temporaryFolder(), 'tone.wav'), 'tone', 3, 1);
    const { samples } = await loadAudio(file);
    assert.deepEqual(await copies.slice(file, 1, 1), pcm16(samples.subarray(16_000, 32_000)));
  });

  it('is made anew when the file has changed', async () => {
    const file = join(temporaryFolder(), 'clip.flac');
    copyFileSync(sample('genuine-woman-english.flac'), file);
    const before = await copies.slice(file, 0, 100);
    copyFileSync(sample('synthetic-piper-english.mp3'), file);
    appendFileSync(file, Buffer.alloc(1));
    assert.notDeepEqual(await copies.slice(file, 0, 100), before);
  });

  it('fails as reading the file does', async () => {
    const file = join(temporaryFolder(), 'text.mp3');
    appendFileSync(file, 'bread, milk, two lemons\n'.repeat(40));
    await assert.rejects(copies.slice(file, 0, 10), isDeepfakeError(ErrorCode.NotAudio, file));
    const missing = join(temporaryFolder(), 'missing.mp3');
    await assert.rejects(copies.slice(missing, 0, 10), isDeepfakeError(ErrorCode.FileNotFound, missing));
  });

  it('is not waited for by a request that was cancelled', async () => {
    const file = sample('synthetic-kokoro-english.m4a');
    const abort = new AbortController();
    abort.abort();
    await assert.rejects(
      copies.slice(file, 0, 100, abort.signal),
      isDeepfakeError(ErrorCode.Cancelled, file),
    );
  });

  it('leaves no file behind', async () => {
    await copies.dispose();
    const names = readdirSync(temporary).filter((name) => !name.startsWith('deepfake-audio-test-'));
    assert.deepEqual(names, []);
  });
});
