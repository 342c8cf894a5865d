import assert from 'node:assert/strict';
import { renameSync, rmSync, truncateSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadAudio, type SampleReceiver, streamAudio } from '../../daemon/audio/loadAudio.ts';
import { packageRoot } from '../../daemon/paths.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { isDeepfakeError, temporaryFolder } from '../helpers.ts';
import { ffmpeg, ffmpegMissing } from './ffmpegTool.ts';
import { bytesOf, wavFile } from './wavFile.ts';

const folder = temporaryFolder();
const skip = await ffmpegMissing();
const NO_FFMPEG = join(folder, 'no-ffmpeg-here');
const MEGABYTE = 2 ** 20;

async function file(name: string, ...content: Uint8Array[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, Buffer.concat(content));
  return path;
}

/** Streams a file; its seconds, and by how many megabytes arrays grew meanwhile at most. */
async function stream(path: string, onPart: () => void = () => {}) {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const receiver: SampleReceiver = {
    push: () => {},
    ready: async () => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      onPart();
    },
  };
  const { facts } = await streamAudio(path, { ffmpegPath: NO_FFMPEG }, () => receiver);
  return { seconds: facts.duration, megabytes: most / MEGABYTE };
}

describe('a small file with hours of silence', { skip }, () => {
  for (const [name, ...options] of [
    ['hour.flac', '-c:a', 'flac', '-frame_size', '65535', '-strict', '-2'],
    ['hour.ogg', '-c:a', 'flac', '-f', 'ogg'],
  ]) {
    it(`does not fill the memory: ${name}`, async () => {
      const path = join(folder, name);
      await ffmpeg(['-f', 'lavfi', '-i', 'anullsrc=r=16000:cl=mono', '-t', '3600', ...options, path]);
      const { seconds, megabytes } = await stream(path);
      assert.ok(Math.abs(seconds - 3600) < 0.1, `${seconds} s`);
      assert.ok(megabytes < 100, `${megabytes} MB`);
    });
  }
});

describe('a file of millions of empty parts is refused at once:', () => {
  const MILLIONS = 2_000_000;

  it('chunks of WAVE', async () => {
    const { buffer } = new Uint32Array([0x6b6e756a, 0]);
    const parts = Buffer.alloc(8 * MILLIONS, new Uint8Array(buffer));
    const path = await file('chunks.wav', Buffer.from('RIFF\xff\xff\xff\xffWAVE', 'latin1'), parts);
    await assert.rejects(loadAudio(path), isDeepfakeError(ErrorCode.AudioDamaged, path, /chunks/));
  });

  it('ID3 tags', async () => {
    const tag = Buffer.from('ID3\x04\0\0\0\0\0\0', 'latin1');
    const path = await file('tags.mp3', Buffer.alloc(10 * MILLIONS, tag));
    await assert.rejects(loadAudio(path), isDeepfakeError(ErrorCode.NotAudio, path));
  });

  it('boxes of MP4', async () => {
    const start = Buffer.from('\0\0\0\x10ftypM4A \0\0\0\0', 'latin1');
    const path = await file(
      'boxes.m4a',
      start,
      Buffer.alloc(8 * MILLIONS, Buffer.from('\0\0\0\x08free', 'latin1')),
    );
    await assert.rejects(
      loadAudio(path, { ffmpegPath: NO_FFMPEG }),
      isDeepfakeError(ErrorCode.AudioDamaged, path),
    );
  });
});

describe('samples far beyond full scale', () => {
  it('are taken as they are where integers were written as floats', async () => {
    const data = bytesOf(Float32Array.from({ length: 30_000 }, (_, i) => 2 ** 31 * Math.sin(i / 9)));
    const path = await file('integers.wav', wavFile({ data, format: 3, bits: 32, sampleRate: 44_100 }));
    const { samples } = await loadAudio(path);
    assert.ok(samples.every(Number.isFinite));
  });

  for (const value of [1e10, 1e30, 3e38]) {
    for (const sampleRate of [16_000, 44_100]) {
      it(`of ${value} at ${sampleRate} Hz are refused`, async () => {
        const data = bytesOf(Float32Array.from({ length: 30_000 }, (_, i) => (i % 2 ? value : -value)));
        const path = await file('loud.wav', wavFile({ data, format: 3, bits: 32, sampleRate }));
        await assert.rejects(loadAudio(path), isDeepfakeError(ErrorCode.AudioDamaged, path, /full scale/));
      });
    }
  }
});

describe('a file that changes while it is read', () => {
  const TONE = join(packageRoot, 'test', 'fixtures', 'audio', 'tone.flac');
  const sound = bytesOf(new Int16Array(400_000).fill(1000));
  /** Does something to the file once its sound has begun to come. */
  const meanwhile = (change: () => void) => {
    let done = false;
    return () => {
      if (!done) change();
      done = true;
    };
  };

  it('and is deleted, is read to its end', {
    skip: process.platform === 'win32' && 'Windows deletes no open file',
  }, async () => {
    const path = await file('deleted.wav', wavFile({ data: sound }));
    const { seconds } = await stream(
      path,
      meanwhile(() => rmSync(path)),
    );
    assert.equal(seconds, 25);
  });

  it('and is replaced by another, is read to its end as it was', {
    skip: process.platform === 'win32' && 'Windows replaces no open file',
  }, async () => {
    const path = await file('replaced.wav', wavFile({ data: sound }));
    const other = await file('other.wav', wavFile({ data: sound.subarray(0, 2000), sampleRate: 8000 }));
    const { seconds } = await stream(
      path,
      meanwhile(() => renameSync(other, path)),
    );
    assert.equal(seconds, 25);
  });

  it('and is cut off, is called damaged', async () => {
    const path = await file('cut.wav', wavFile({ data: sound }));
    await assert.rejects(
      stream(
        path,
        meanwhile(() => truncateSync(path, 300_000)),
      ),
      isDeepfakeError(ErrorCode.AudioDamaged, path, /became shorter while it was read/),
    );
    const flac = join(folder, 'cut.flac');
    await copyFile(TONE, flac);
    truncateSync(flac, 20_000);
    await assert.rejects(stream(flac), isDeepfakeError(ErrorCode.AudioDamaged, flac, /damaged/));
  });
});
