import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import { findFfmpeg } from './ffmpeg.ts';
import { loadAudio } from './loadAudio.ts';
import { resample } from './resample.ts';

/** An encoder of ffmpeg, and the file that it writes. */
interface Encoding {
  encoder: string;
  options: string[];
  extension: string;
}

const mp3 = (rate: string): Encoding => ({
  encoder: 'libmp3lame',
  options: ['-b:a', rate],
  extension: 'mp3',
});
const aac = (rate: string): Encoding => ({ encoder: 'aac', options: ['-b:a', rate], extension: 'm4a' });
const opus = (rate: string): Encoding => ({ encoder: 'libopus', options: ['-b:a', rate], extension: 'ogg' });

/** What sound is sent through; `g711` needs no ffmpeg. Numbers are bits per second. */
const ENCODINGS = {
  'mp3-32k': mp3('32k'),
  'mp3-64k': mp3('64k'),
  'mp3-96k': mp3('96k'),
  'aac-32k': aac('32k'),
  'aac-48k': aac('48k'),
  'opus-12k': opus('12k'),
  'opus-16k': opus('16k'),
  'opus-24k': opus('24k'),
  'opus-32k': opus('32k'),
  gsm: { encoder: 'libgsm_ms', options: ['-ar', '8000'], extension: 'wav' },
  g711: undefined,
} satisfies Record<string, Encoding | undefined>;
export type Codec = keyof typeof ENCODINGS;
export const CODECS = Object.keys(ENCODINGS) as [Codec, ...Codec[]];

const TELEPHONE_RATE = 8000;
const TIME_LIMIT_MS = 120_000;

/** Those of the codecs that can be used here: all that this ffmpeg encodes, and those that need none. */
export async function usableCodecs(codecs: readonly Codec[], ffmpegPath?: string): Promise<Codec[]> {
  const ffmpeg = findFfmpeg(ffmpegPath);
  const encoders = new Set<string>();
  if (ffmpeg !== undefined && codecs.some((codec) => ENCODINGS[codec] !== undefined)) {
    const list = await run(ffmpeg, ['-hide_banner', '-encoders']);
    for (const [, name] of list.matchAll(/^ A\S+ (\S+)/gm)) encoders.add(name);
  }
  return codecs.filter((codec) => {
    const encoding: Encoding | undefined = ENCODINGS[codec];
    return encoding === undefined || encoders.has(encoding.encoder);
  });
}

/**
 * The sound as it comes out of each codec: encoded by the user's ffmpeg, read as any such file is, as long as it was, and at the
 * same rate (hertz). Throws DecoderMissing where ffmpeg is missing or cannot do it.
 */
export async function throughCodecs(
  samples: Float32Array,
  sampleRate: number,
  codecs: readonly Codec[],
  ffmpegPath?: string,
): Promise<Float32Array[]> {
  const encoded = [...new Set(codecs)].filter((codec) => ENCODINGS[codec] !== undefined);
  const results = new Map<Codec, Float32Array>();
  if (codecs.includes('g711')) results.set('g711', throughTelephone(samples, sampleRate));
  if (encoded.length > 0) {
    const folder = await mkdtemp(join(tmpdir(), 'deepfake-audio-codecs-'));
    try {
      const files = await encode(samples, sampleRate, encoded, folder, ffmpegPath);
      for (const [codec, file] of files)
        results.set(codec, (await loadAudio(file, { sampleRate, ffmpegPath })).samples);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return codecs.map((codec) => {
    const coded = new Float32Array(samples.length);
    coded.set((results.get(codec) as Float32Array).subarray(0, samples.length));
    return coded;
  });
}

async function encode(
  samples: Float32Array,
  sampleRate: number,
  codecs: Codec[],
  folder: string,
  ffmpegPath: string | undefined,
): Promise<[Codec, string][]> {
  const ffmpeg = findFfmpeg(ffmpegPath);
  const fail = (reason: string, cause?: unknown) =>
    new DeepfakeError(
      ErrorCode.DecoderMissing,
      `Sound cannot be sent through ${codecs.join(', ')} by ${ffmpegPath ?? 'the ffmpeg on the PATH'} (${reason}): install ffmpeg from https://ffmpeg.org, or leave these codecs out.`,
      ffmpegPath,
      { cause },
    );
  if (ffmpeg === undefined) throw fail('there is no ffmpeg');
  const files = codecs.map((codec): [Codec, string] => {
    const { extension } = ENCODINGS[codec] as Encoding;
    return [codec, join(folder, `${codec}.${extension}`)];
  });
  const input = ['-f', 'f32le', '-ar', String(sampleRate), '-ac', '1', '-i', 'pipe:0'];
  const outputs = files.flatMap(([codec, file]) => {
    const { encoder, options } = ENCODINGS[codec] as Encoding;
    return ['-c:a', encoder, ...options, '-threads', '1', file];
  });
  const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  try {
    await run(ffmpeg, ['-v', 'error', '-threads', '1', ...input, ...outputs], bytes);
  } catch (error) {
    throw fail(messageOf(error), error);
  }
  return files;
}

/** What ffmpeg writes to its standard output. */
function run(ffmpeg: string, options: string[], input?: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(ffmpeg, options, { timeout: TIME_LIMIT_MS }, (error, output, complaints) => {
      if (error === null) resolve(output);
      else reject(new Error(complaints.trim() || error.message, { cause: error }));
    });
    // Where ffmpeg ends early its exit code says why.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** A telephone line: 8 kHz, 8 bits by the µ-law (ITU-T G.711's curve, without its straight segments). */
function throughTelephone(samples: Float32Array, sampleRate: number): Float32Array {
  const MU = 255;
  const STEPS = 127;
  const line = resample(samples, sampleRate, TELEPHONE_RATE).map((sample) => {
    const level = Math.min(Math.abs(sample), 1);
    const code = Math.round((STEPS * Math.log1p(MU * level)) / Math.log1p(MU));
    return (Math.sign(sample) * Math.expm1((code / STEPS) * Math.log1p(MU))) / MU;
  });
  return resample(line, TELEPHONE_RATE, sampleRate);
}
