import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { downmix } from '../../daemon/audio/downmix.ts';
import { resample } from '../../daemon/audio/resample.ts';

const run = promisify(execFile);

/** ffmpeg as the tests use it: to make files, and to decode them a second time. */
export async function ffmpeg(args: string[]): Promise<Buffer> {
  const { stdout } = await run('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args], {
    encoding: 'buffer',
    maxBuffer: 2 ** 28,
  });
  return stdout;
}

/** Why tests that need ffmpeg are skipped; false where it runs. */
export async function ffmpegMissing(): Promise<string | false> {
  return ffmpeg(['-version']).then(
    () => false,
    () => 'no ffmpeg on the PATH',
  );
}

/** The names of ffmpeg's encoders, which differ from build to build. */
export async function ffmpegEncoders(): Promise<Set<string>> {
  const lines = (await ffmpeg(['-encoders'])).toString().split('\n');
  return new Set(lines.map((line) => line.trim().split(/\s+/)[1]));
}

/** A file's first sound as ffmpeg decodes it: the mean of its channels at 16 kHz. */
export async function decodedByFfmpeg(path: string): Promise<Float32Array> {
  const wav = await ffmpeg(['-i', `file:${path}`, '-map', '0:a:0', '-c:a', 'pcm_f32le', '-f', 'wav', '-']);
  const format = wav.indexOf('fmt ', 12, 'latin1');
  const data = wav.indexOf('data', 12, 'latin1') + 8;
  const channels = wav.readUInt16LE(format + 10);
  const rate = wav.readUInt32LE(format + 12);
  const length = Math.floor((wav.length - data) / 4 / channels);
  const planes = Array.from({ length: channels }, (_, channel) =>
    Float32Array.from({ length }, (_, i) => wav.readFloatLE(data + 4 * (i * channels + channel))),
  );
  return resample(downmix(planes), rate, 16_000);
}
