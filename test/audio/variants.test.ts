import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadAudio } from '../../daemon/audio/loadAudio.ts';
import { temporaryFolder } from '../helpers.ts';
import { decodedByFfmpeg, ffmpeg, ffmpegEncoders, ffmpegMissing } from './ffmpegTool.ts';

const folder = temporaryFolder();
const skip = await ffmpegMissing();
const encoders = skip ? new Set<string>() : await ffmpegEncoders();

/** Decibels by which the sound must exceed its difference from ffmpeg's decoding: floats are rounded, ffmpeg's FLAC is exact. */
const SAME_DB = 80;
/** Seconds by which the ends may differ: ffmpeg does not cut off the padding of the last AAC frame. */
const END_SECONDS = 0.05;
/** Two seconds of two sweeps, in stereo. */
const STEREO = [
  '-f',
  'lavfi',
  '-i',
  'aevalsrc=0.4*sin(2*PI*(200+300*t)*t)|0.3*sin(2*PI*(900-200*t)*t):s=44100:d=2',
];
const PICTURE = ['-f', 'lavfi', '-i', 'testsrc=s=64x64:d=2:r=10'];
const codec = (name: string, ...more: string[]) => [...STEREO, '-c:a', name, ...more];
const ac = (channels: number) => ['-ac', String(channels)];
const ar = (rate: number) => ['-ar', String(rate)];
const COVER = [
  ...PICTURE,
  '-map',
  '0:a',
  '-map',
  '1:v',
  '-frames:v',
  '1',
  '-c:v',
  'png',
  '-disposition:v',
  'attached_pic',
];

interface Variant {
  what: string;
  name: string;
  args: string[];
  /** Not every build of ffmpeg has it. */
  encoder?: string;
}

const variants: Variant[] = [
  ...['u8', 's16le', 's24le', 's32le', 'f32le', 'f64le'].map((format) => ({
    what: `WAV of ${format} samples`,
    name: `${format}.wav`,
    args: codec(`pcm_${format}`),
  })),
  ...[8000, 11_025, 16_000, 22_050, 32_000, 48_000, 96_000, 192_000].map((rate) => ({
    what: `WAV at ${rate} Hz`,
    name: `${rate}.wav`,
    args: codec('pcm_s16le', ...ar(rate)),
  })),
  { what: 'A-law in WAV', name: 'alaw.wav', args: codec('pcm_alaw', ...ar(8000), ...ac(1)) },
  { what: 'µ-law in WAV', name: 'mulaw.wav', args: codec('pcm_mulaw', ...ar(8000), ...ac(1)) },
  { what: 'Microsoft ADPCM in WAV', name: 'adpcm-ms.wav', args: codec('adpcm_ms') },
  { what: 'IMA ADPCM in WAV', name: 'adpcm-ima.wav', args: codec('adpcm_ima_wav') },
  { what: 'MP3 in WAV', name: 'mp3.wav', args: codec('libmp3lame', '-f', 'wav'), encoder: 'libmp3lame' },
  { what: 'WAVE_FORMAT_EXTENSIBLE with 5.1 channels', name: '51.wav', args: codec('pcm_s24le', ...ac(6)) },
  { what: 'RF64', name: 'rf64.wav', args: codec('pcm_s16le', '-rf64', 'always') },
  { what: 'Wave64', name: 'x.w64', args: codec('pcm_s16le') },
  { what: 'AIFF', name: 'x.aiff', args: codec('pcm_s16be') },
  { what: 'CAF', name: 'x.caf', args: codec('pcm_s16be') },
  { what: 'AU', name: 'x.au', args: codec('pcm_mulaw') },
  {
    what: 'MP3 of variable rate with tags of both kinds and a picture',
    name: 'vbr.mp3',
    encoder: 'libmp3lame',
    args: [
      ...STEREO,
      ...COVER,
      '-c:a',
      'libmp3lame',
      '-q:a',
      '4',
      '-write_id3v1',
      '1',
      '-id3v2_version',
      '3',
      '-metadata',
      'title=ÄÖ',
    ],
  },
  {
    what: 'MP3 of constant rate without a Xing header',
    name: 'cbr.mp3',
    encoder: 'libmp3lame',
    args: codec('libmp3lame', '-b:a', '128k', '-write_xing', '0'),
  },
  {
    what: 'MPEG-2.5 at 8 kHz',
    name: 'mpeg25.mp3',
    encoder: 'libmp3lame',
    args: codec('libmp3lame', ...ar(8000), ...ac(1)),
  },
  {
    what: 'MPEG-2 at 22 kHz',
    name: 'mpeg2.mp3',
    encoder: 'libmp3lame',
    args: codec('libmp3lame', ...ar(22_050)),
  },
  { what: 'MPEG layer II', name: 'x.mp2', args: codec('mp2', '-b:a', '192k') },
  { what: 'FLAC with a picture', name: 'cover.flac', args: [...STEREO, ...COVER, '-c:a', 'flac'] },
  {
    what: 'FLAC of 24 bits at 96 kHz',
    name: '24.flac',
    args: codec('flac', '-sample_fmt', 's32', ...ar(96_000)),
  },
  { what: 'FLAC with 8 channels', name: '8.flac', args: codec('flac', ...ac(8)) },
  {
    what: 'FLAC with the largest blocks',
    name: 'blocks.flac',
    args: codec('flac', '-frame_size', '65535', '-strict', '-2'),
  },
  { what: 'Ogg FLAC', name: 'flac.ogg', args: codec('flac', '-f', 'ogg') },
  {
    what: 'Vorbis with 5.1 channels',
    name: '51.ogg',
    args: codec('libvorbis', ...ac(6)),
    encoder: 'libvorbis',
  },
  { what: 'Opus with one channel', name: 'mono.opus', args: codec('libopus', ...ac(1)), encoder: 'libopus' },
  { what: 'Opus with 5.1 channels', name: '51.opus', args: codec('libopus', ...ac(6)), encoder: 'libopus' },
  { what: 'Speex', name: 'x.spx', args: codec('libspeex', ...ar(16_000), ...ac(1)), encoder: 'libspeex' },
  { what: 'AAC in M4A', name: 'x.m4a', args: codec('aac') },
  {
    what: 'AAC in M4A with its description in front',
    name: 'fast.m4a',
    args: codec('aac', '-movflags', '+faststart'),
  },
  { what: 'AAC with 5.1 channels', name: '51.m4a', args: codec('aac', ...ac(6)) },
  { what: 'AAC at 8 kHz', name: '8k.m4a', args: codec('aac', ...ar(8000), ...ac(1)) },
  { what: 'AAC at 96 kHz', name: '96k.m4a', args: codec('aac', ...ar(96_000)) },
  { what: 'ADTS', name: 'x.aac', args: codec('aac', '-f', 'adts') },
  {
    what: 'AAC beside a picture track in MP4',
    name: 'video.mp4',
    args: [...STEREO, ...PICTURE, '-c:a', 'aac', '-c:v', 'mpeg4'],
  },
  { what: 'ALAC', name: 'alac.m4a', args: codec('alac') },
  { what: 'AC-3', name: 'x.ac3', args: codec('ac3') },
  { what: 'WMA', name: 'x.wma', args: codec('wmav2') },
  { what: 'WavPack', name: 'x.wv', args: codec('wavpack') },
  { what: 'TTA', name: 'x.tta', args: codec('tta') },
  {
    what: 'AMR',
    name: 'x.amr',
    args: codec('libopencore_amrnb', ...ar(8000), ...ac(1)),
    encoder: 'libopencore_amrnb',
  },
  {
    what: 'Matroska video with sound',
    name: 'x.mkv',
    args: [...STEREO, ...PICTURE, '-c:a', 'aac', '-c:v', 'mpeg4'],
  },
  { what: 'WebM', name: 'x.webm', args: codec('libopus'), encoder: 'libopus' },
  {
    what: 'QuickTime video with uncompressed sound',
    name: 'x.mov',
    args: [...STEREO, ...PICTURE, '-c:a', 'pcm_s16le', '-c:v', 'mpeg4'],
  },
  { what: 'AVI', name: 'x.avi', args: [...STEREO, ...PICTURE, '-c:a', 'pcm_s16le', '-c:v', 'mpeg4'] },
  {
    what: 'MPEG transport stream',
    name: 'x.ts',
    args: [...STEREO, ...PICTURE, '-c:a', 'aac', '-c:v', 'mpeg4'],
  },
  { what: 'Flash video', name: 'x.flv', args: codec('aac') },
  { what: '3GP', name: 'x.3gp', args: codec('aac') },
];

async function decodesAsFfmpegDoes(path: string): Promise<void> {
  const { samples } = await loadAudio(path);
  const expected = await decodedByFfmpeg(path);
  const difference = Math.abs(samples.length - expected.length);
  assert.ok(difference <= 16_000 * END_SECONDS, `${samples.length} samples, ffmpeg has ${expected.length}`);
  let signal = 0;
  let error = 0;
  for (let i = 0; i < Math.min(samples.length, expected.length); i++) {
    signal += expected[i] ** 2;
    error += (expected[i] - samples[i]) ** 2;
  }
  assert.ok(signal > 1, 'ffmpeg hears nothing');
  const ratio = 10 * Math.log10(signal / error);
  assert.ok(ratio > SAME_DB, `signal to difference ${ratio.toFixed(1)} dB`);
}

describe('sound as ffmpeg decodes it comes from', { skip }, () => {
  for (const { what, name, args, encoder } of variants) {
    const missing = encoder !== undefined && !encoders.has(encoder) && `this ffmpeg has no ${encoder}`;
    it(what, { skip: missing }, async () => {
      const path = join(folder, name);
      await ffmpeg([...args, '-t', '2', path]);
      await decodesAsFfmpegDoes(path);
    });
  }

  it('a part cut out of an M4A by its edit list', async () => {
    const whole = join(folder, 'whole.m4a');
    await ffmpeg([...codec('aac'), whole]);
    const cut = join(folder, 'cut.m4a');
    await ffmpeg(['-ss', '0.53', '-i', whole, '-c', 'copy', cut]);
    await decodesAsFfmpegDoes(cut);
  });

  for (const [encoder, extension] of [
    ['libvorbis', 'ogg'],
    ['libopus', 'opus'],
    ['flac', 'oga'],
  ]) {
    const missing = !encoders.has(encoder) && `this ffmpeg has no ${encoder}`;
    it(`Ogg of two ${encoder} streams, one behind the other`, { skip: missing }, async () => {
      const path = join(folder, `one.${extension}`);
      await ffmpeg([...codec(encoder), '-f', 'ogg', path]);
      const chained = join(folder, `chained.${extension}`);
      await writeFile(chained, Buffer.concat([await readFile(path), await readFile(path)]));
      const { samples: once } = await loadAudio(path);
      const { samples: twice } = await loadAudio(chained);
      const surplus = twice.length - 2 * once.length;
      // Where they meet, what an encoder put in front of the second sound may be left in.
      assert.ok(surplus >= 0 && surplus <= 16_000 * END_SECONDS, `${surplus} samples too many`);
      const energy = (sound: Float32Array) => sound.reduce((sum, value) => sum + value * value, 0);
      const middle = once.length - 1000;
      assert.deepEqual(twice.subarray(0, middle), once.subarray(0, middle));
      const ratio = energy(twice.subarray(-once.length)) / energy(once);
      assert.ok(Math.abs(ratio - 1) < 0.02, `the second has ${ratio} of the energy of the first`);
    });
  }
});
