import type { PlayableAudioResult } from '../../shared/protocol.ts';
import { SLICE_SECONDS } from '../../shared/slices.ts';
import { BYTES_PER_SAMPLE, pcm16 } from '../audio/pcm16.ts';
import { referenceFeatures } from '../features/featureConfig.ts';
import type { SoundCopies } from './soundCopies.ts';

const HEADER_BYTES = 44;
const PCM = 1;

/**
 * Up to two minutes of a file's sound, from `start` seconds on, as a mono 16-bit WAV at 16 kHz; of no sound where the file ends
 * before. Throws the errors of `loadAudio`.
 */
export async function playableAudio(
  copies: SoundCopies,
  file: string,
  start: number,
  signal?: AbortSignal,
): Promise<PlayableAudioResult> {
  const pcm = await copies.slice(file, start, SLICE_SECONDS, signal);
  const { sampleRate } = referenceFeatures;
  const duration = pcm.length / BYTES_PER_SAMPLE / sampleRate;
  const wav = Buffer.concat([wavHeader(pcm.length, sampleRate), pcm]);
  return { wav: wav.toString('base64'), start, duration, last: duration < SLICE_SECONDS };
}

/** Mono samples in [−1, 1] as a 16-bit RIFF/WAVE file. */
export function encodeWav(samples: Float32Array, sampleRate: number): Buffer {
  const pcm = pcm16(samples);
  return Buffer.concat([wavHeader(pcm.length, sampleRate), pcm]);
}

function wavHeader(dataBytes: number, sampleRate: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('RIFF', 0);
  header.writeUInt32LE(HEADER_BYTES - 8 + dataBytes, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(PCM, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * BYTES_PER_SAMPLE, 28);
  header.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  header.writeUInt16LE(8 * BYTES_PER_SAMPLE, 34);
  header.write('data', 36);
  header.writeUInt32LE(dataBytes, 40);
  return header;
}
