import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type LoadOptions, loadAudio } from '../../daemon/audio/loadAudio.ts';
import { packageRoot } from '../../daemon/paths.ts';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import { bytesOf, type WavFields, wavFile } from './wavFile.ts';

const FIXTURES = join(packageRoot, 'test', 'fixtures', 'audio');

describe('a file that cannot be loaded', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'deepfake-errors-'));
  });
  after(() => rm(folder, { recursive: true }));

  async function file(name: string, content: Uint8Array | string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  }

  /** The error is of this code, names the file and is one sentence that matches. */
  async function refuses(
    path: string,
    code: ErrorCode,
    message: RegExp,
    options?: LoadOptions,
  ): Promise<void> {
    await assert.rejects(loadAudio(path, options), (error: unknown) => {
      assert.ok(error instanceof DeepfakeError, String(error));
      assert.equal(ErrorCode[error.code], ErrorCode[code], error.message);
      assert.equal(error.file, path);
      assert.ok(error.message.startsWith(path));
      assert.match(error.message, /^[^\n]+\.$/);
      assert.match(error.message, message);
      return true;
    });
  }
  const refusesWav = async (fields: WavFields, code: ErrorCode, message: RegExp): Promise<void> =>
    refuses(await file('clip.wav', wavFile(fields)), code, message);

  const silence = new Uint8Array(32_000);

  it('because it is missing, says so', () =>
    refuses(join(folder, 'missing.wav'), ErrorCode.FileNotFound, /does not exist/));

  it('because it is a folder, says so', () => refuses(folder, ErrorCode.FileUnreadable, /is a folder/));

  it('because it may not be read, asks for permission', async (context) => {
    if (process.platform === 'win32' || process.getuid?.() === 0) {
      return context.skip('file permissions do not bind this user');
    }
    const path = await file('secret.wav', wavFile({ data: silence }));
    await chmod(path, 0);
    await refuses(path, ErrorCode.FileUnreadable, /permission/);
  });

  it('because it has 0 bytes, says so', async () =>
    refuses(await file('empty.wav', ''), ErrorCode.FileEmpty, /0 bytes/));

  it('because it is text that is called .mp3, names the formats that are known', async () =>
    refuses(await file('notes.mp3', 'Dear diary, '.repeat(500)), ErrorCode.NotAudio, /WAV, MP3, FLAC/));

  it('because it is a picture, is not taken for audio', async () => {
    let state = 1;
    const noise = Uint8Array.from({ length: 60_000 }, () => {
      state = (state * 1664525 + 1013904223) % 2 ** 32;
      return state >>> 24;
    });
    const png = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), noise]);
    await refuses(await file('picture.wav', png), ErrorCode.NotAudio, /not an audio file/);
  });

  it('because a WAV is cut off, says how much is promised and how much is there', () =>
    refusesWav(
      { data: silence, dataSize: 96_000 },
      ErrorCode.AudioDamaged,
      /3\.00 s .* promised and 1\.00 s/,
    ));

  it('because a WAV ends behind its header, says that it has no sound', () =>
    refusesWav({ data: new Uint8Array(0) }, ErrorCode.FileEmpty, /no sound/));

  it('because a WAV ends before its sound, says so', async () => {
    const header = wavFile({ data: silence }).slice(0, 36);
    await refuses(await file('short.wav', header), ErrorCode.AudioDamaged, /ends before its sound begins/);
  });

  it('because a sample is not a number, says so', () => {
    const data = bytesOf(Float32Array.of(0, Number.NaN, 0.5));
    return refusesWav({ data, format: 3, bits: 32 }, ErrorCode.AudioDamaged, /not numbers/);
  });

  it('because a sample is infinite, says so', () => {
    const data = bytesOf(Float32Array.of(0, Number.POSITIVE_INFINITY));
    return refusesWav({ data, format: 3, bits: 32 }, ErrorCode.AudioDamaged, /not numbers/);
  });

  for (const [what, fields, message] of [
    ['0 channels', { channels: 0, blockBytes: 2 }, /0 channels/],
    ['a rate of 0 Hz', { sampleRate: 0 }, /rate of 0 Hz/],
    ['a rate of 1 MHz', { sampleRate: 1_000_000 }, /1000000 Hz/],
    ['samples of 40 bits', { bits: 40 }, /40 bits/],
    ['frames of 0 bytes', { blockBytes: 0 }, /0 bytes/],
  ] as const) {
    it(`because a WAV claims ${what}, says so`, () =>
      refusesWav({ data: silence, ...fields }, ErrorCode.AudioDamaged, message));
  }

  for (const name of ['tone.flac', 'tone.mp3', 'tone.m4a', 'tone-he.m4a']) {
    it(`because the second half of ${name} is missing, is called damaged`, async () => {
      const whole = await readFile(join(FIXTURES, name));
      const half = await file(name, whole.subarray(0, whole.length / 2));
      await refuses(half, ErrorCode.AudioDamaged, /damaged/);
    });
  }

  it('because the middle of a FLAC is overwritten, is called damaged', async () => {
    const content = await readFile(join(FIXTURES, 'tone.flac'));
    content.fill(0x55, 12_000, 30_000);
    await refuses(await file('rotten.flac', content), ErrorCode.AudioDamaged, /promised/);
  });

  it('because nothing of a FLAC but its header is sound, is called damaged', async () => {
    const content = await readFile(join(FIXTURES, 'tone.flac'));
    content.fill(0, 100);
    await refuses(await file('zeros.flac', content), ErrorCode.AudioDamaged, /no sound in it can be decoded/);
  });

  it('because only ffmpeg knows its codec and there is none, says how to get it', () =>
    refuses(
      join(FIXTURES, 'tone-alac.m4a'),
      ErrorCode.DecoderMissing,
      /install it from https:\/\/ffmpeg\.org/,
      {
        ffmpegPath: join(folder, 'no-such-ffmpeg'),
      },
    ));

  it('because the user cancelled, says so', () =>
    refuses(join(FIXTURES, 'tone.flac'), ErrorCode.Cancelled, /was cancelled/, {
      signal: AbortSignal.abort(),
    }));

  it('does not write to the console', async (context) => {
    const content = await readFile(join(FIXTURES, 'tone.flac'));
    content.fill(0x55, 12_000, 30_000);
    const path = await file('rotten.flac', content);
    const said = [
      context.mock.method(process.stdout, 'write', () => true),
      context.mock.method(process.stderr, 'write', () => true),
    ];
    await loadAudio(path).catch(() => undefined);
    const calls = said.map((method) => method.mock.callCount());
    context.mock.restoreAll();
    assert.deepEqual(calls, [0, 0]);
  });
});
