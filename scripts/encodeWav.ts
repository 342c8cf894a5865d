import { pcm16 } from '../daemon/audio/pcm16.ts';
import { wavHeader } from '../daemon/audio/wavHeader.ts';

/** Mono samples in [−1, 1] as a 16-bit WAV file: clips for benchmarks, the laboratory and tests. */
export function encodeWav(samples: Float32Array, sampleRate: number): Buffer {
  const pcm = pcm16(samples);
  return Buffer.concat([wavHeader(pcm.length, sampleRate), pcm]);
}
