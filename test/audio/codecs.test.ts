import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadAudio } from '../../daemon/audio/loadAudio.ts';
import { packageRoot } from '../../daemon/paths.ts';

const FIXTURES = join(packageRoot, 'test', 'fixtures', 'audio');
const RATE = 16_000;
const NO_FFMPEG = join(FIXTURES, 'no-ffmpeg-here');

/** What each fixture must decode to; `delay` is the encoder's, where the file does not tell it. */
const FIXTURE_FACTS = [
  { name: 'tone.flac', container: 'flac', codec: 'flac', exact: true },
  { name: 'tone-flac.ogg', container: 'ogg', codec: 'flac', exact: true },
  { name: 'tone.mp3', container: 'mp3', codec: 'mp3' },
  { name: 'tone-vorbis.ogg', container: 'ogg', codec: 'vorbis' },
  { name: 'tone-opus.ogg', container: 'ogg', codec: 'opus', rate: 48_000 },
  { name: 'tone.m4a', container: 'mp4', codec: 'aac' },
  { name: 'tone-itunes.m4a', container: 'mp4', codec: 'aac' },
  { name: 'tone-fragmented.m4a', container: 'mp4', codec: 'aac', delay: 1024 / 44_100, longer: true },
  { name: 'tone.aac', container: 'aac', codec: 'aac', delay: 1024 / 44_100, longer: true },
  { name: 'tone-he.m4a', container: 'mp4', codec: 'he-aac' },
  { name: 'tone-he-v2.m4a', container: 'mp4', codec: 'he-aac' },
  { name: 'tone-he.aac', container: 'aac', codec: 'he-aac', delay: 3018 / 44_100, longer: true },
];

/** The mean of the fixtures' channels at 16 kHz: see test/fixtures/audio/make_fixtures.py. */
function expectedTone(delay: number, length: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => {
    const t = i / RATE - delay;
    const fade = Math.min(1, Math.max(0, Math.min(t, 1 - t) / 0.05));
    return 0.75 * fade * (0.3 * Math.sin(2 * Math.PI * 440 * t) + 0.1 * Math.sin(2 * Math.PI * 3000 * t));
  });
}

/** Signal to error ratio in dB. */
function signalToError(expected: Float64Array, actual: Float32Array): number {
  let signal = 0;
  let error = 0;
  expected.forEach((value, i) => {
    signal += value ** 2;
    error += (value - actual[i]) ** 2;
  });
  return 10 * Math.log10(signal / error);
}

function ffmpegOnPath(): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, 'ffmpeg'), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

describe('decoding', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'deepfake-audio-'));
  });
  after(() => rm(folder, { recursive: true }));

  for (const { name, container, codec, exact, rate = 44_100, delay = 0, longer } of FIXTURE_FACTS) {
    it(`reads ${name} as the two tones that it holds, without ffmpeg`, async () => {
      const { samples, sampleRate, facts } = await loadAudio(join(FIXTURES, name), { ffmpegPath: NO_FFMPEG });
      assert.equal(sampleRate, RATE);
      assert.deepEqual(
        [facts.container, facts.codec, facts.sampleRate, facts.channels],
        [container, codec, rate, 2],
      );
      assert.deepEqual(facts.warnings, []);
      if (longer) {
        assert.ok(samples.length > RATE * (1 + delay) && samples.length < RATE * (1.15 + delay));
      } else {
        assert.equal(samples.length, RATE);
        assert.equal(facts.duration, 1);
      }
      const ratio = signalToError(expectedTone(delay, RATE), samples);
      assert.ok(ratio > (exact ? 80 : 18), `signal to error ${ratio.toFixed(1)} dB`);
    });
  }

  it('goes by the content, not by the extension', async () => {
    const misnamed = join(folder, 'flac.mp3');
    await copyFile(join(FIXTURES, 'tone.flac'), misnamed);
    const { facts } = await loadAudio(misnamed);
    assert.equal(facts.container, 'flac');
  });

  it('finds MP3 behind an ID3v2 tag with a picture and behind leading zeros', async () => {
    const mp3 = await readFile(join(FIXTURES, 'tone.mp3'));
    const picture = Buffer.alloc(100_000, 0xff);
    const tag = Buffer.from([0x49, 0x44, 0x33, 3, 0, 0, 0, 6, 13, 32]);
    for (const prefix of [Buffer.concat([tag, picture]), Buffer.alloc(3000)]) {
      const tagged = join(folder, 'tagged.mp3');
      await writeFile(tagged, Buffer.concat([prefix, mp3]));
      const { samples } = await loadAudio(tagged);
      assert.ok(signalToError(expectedTone(0, RATE), samples) > 18);
    }
  });

  for (const name of ['tone.flac', 'tone.mp3', 'tone-opus.ogg', 'tone.m4a']) {
    it(`gives the same beginning of ${name} when asked for a part`, async () => {
      const whole = await loadAudio(join(FIXTURES, name));
      const part = await loadAudio(join(FIXTURES, name), { maxSeconds: 0.25 });
      assert.deepEqual(part.samples, whole.samples.slice(0, RATE / 4));
      assert.equal(part.facts.duration, 0.25);
    });
  }

  it('loses no FLAC frame whose header lies across two pieces of the file', async () => {
    const flac = await readFile(join(FIXTURES, 'tone.flac'));
    const expected = (await loadAudio(join(FIXTURES, 'tone.flac'))).samples;
    const afterStreamInfo = 4 + 4 + 34;
    const firstFrame = flac.indexOf(Buffer.from([0xff, 0xf8]));
    const header = flac.subarray(firstFrame, firstFrame + 4);
    const laterFrame = flac.indexOf(header, firstFrame + 10_000);
    assert.ok(laterFrame > 0);
    for (let inside = 1; inside < 16; inside++) {
      // A PADDING block moves the frame to where the first piece of 256 KiB ends.
      const size = 256 * 1024 - inside - laterFrame - 4;
      const padding = Buffer.from([1, size >> 16, (size >> 8) & 0xff, size & 0xff, ...new Uint8Array(size)]);
      const parts = [flac.subarray(0, afterStreamInfo), padding, flac.subarray(afterStreamInfo)];
      const padded = join(folder, 'padded.flac');
      await writeFile(padded, Buffer.concat(parts));
      const { samples, facts } = await loadAudio(padded);
      assert.deepEqual(facts.warnings, []);
      assert.deepEqual(samples, expected);
    }
  });

  it('resamples to another rate when asked', async () => {
    const { samples, sampleRate } = await loadAudio(join(FIXTURES, 'tone.flac'), { sampleRate: 8000 });
    assert.deepEqual([samples.length, sampleRate], [8000, 8000]);
  });

  it('lets ffmpeg decode what nothing here can', async (context) => {
    if (!ffmpegOnPath()) {
      return context.skip('no ffmpeg on the PATH');
    }
    const { samples, facts } = await loadAudio(join(FIXTURES, 'tone-alac.m4a'));
    assert.deepEqual([facts.decoder, facts.container, facts.channels], ['ffmpeg', 'mp4', 2]);
    assert.equal(samples.length, RATE);
    assert.ok(signalToError(expectedTone(0, RATE), samples) > 80);
  });

  it('does not mind an ffmpeg that ends long after its output', async (context) => {
    if (!ffmpegOnPath() || process.platform === 'win32') {
      return context.skip('no ffmpeg on the PATH, or no shell script in its place');
    }
    const folder = await mkdtemp(join(tmpdir(), 'deepfake-ffmpeg-'));
    try {
      const slow = join(folder, 'ffmpeg');
      await writeFile(slow, '#!/bin/sh\nffmpeg "$@" || exit\nexec >&-\nexec sleep 0.3\n', { mode: 0o755 });
      const { samples } = await loadAudio(join(FIXTURES, 'tone-alac.m4a'), { ffmpegPath: slow });
      assert.equal(samples.length, RATE);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('stops ffmpeg when only the beginning is wanted', async (context) => {
    if (!ffmpegOnPath()) {
      return context.skip('no ffmpeg on the PATH');
    }
    const { samples } = await loadAudio(join(FIXTURES, 'tone-alac.m4a'), { maxSeconds: 0.1 });
    assert.equal(samples.length, RATE / 10);
  });
});
