import type { PlayableAudioResult } from '../../shared/protocol.ts';
import type { AnalysisPool } from '../features/analysisPool.ts';
import { referenceFeatures } from '../features/featureConfig.ts';

/** Longest sound handed to a player at once: two minutes are 4 MB. */
const MAX_SECONDS = 120;
const HEADER_BYTES = 44;
const BYTES_PER_SAMPLE = 2;
const PCM = 1;

/**
 * Up to two minutes of a file's sound, from `start` seconds on, as a mono 16-bit WAV at 16 kHz; of no sound where the file ends
 * before. Throws the errors of `loadAudio`.
 */
export async function playableAudio(
  pool: AnalysisPool,
  file: string,
  start: number,
  signal?: AbortSignal,
): Promise<PlayableAudioResult> {
  const part = { startSeconds: start, maxSeconds: MAX_SECONDS };
  const samples = await pool.samples(file, referenceFeatures, part, signal);
  const { sampleRate } = referenceFeatures;
  const duration = samples.length / sampleRate;
  return {
    wav: encodeWav(samples, sampleRate).toString('base64'),
    start,
    duration,
    last: duration < MAX_SECONDS,
  };
}

/** Mono samples in [−1, 1] as a 16-bit RIFF/WAVE file. */
export function encodeWav(samples: Float32Array, sampleRate: number): Buffer {
  const dataBytes = samples.length * BYTES_PER_SAMPLE;
  const wav = Buffer.alloc(HEADER_BYTES + dataBytes);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(HEADER_BYTES - 8 + dataBytes, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(PCM, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(sampleRate, 24);
  wav.writeUInt32LE(sampleRate * BYTES_PER_SAMPLE, 28);
  wav.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  wav.writeUInt16LE(8 * BYTES_PER_SAMPLE, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(dataBytes, 40);
  samples.forEach((sample, i) => {
    wav.writeInt16LE(
      Math.round(Math.max(-1, Math.min(1, sample)) * 32767),
      HEADER_BYTES + i * BYTES_PER_SAMPLE,
    );
  });
  return wav;
}
