import { SLICE_SECONDS } from '../../shared/playableAudio.ts';
import type { PlayableAudioResult } from '../../shared/protocol.ts';
import { BYTES_PER_SAMPLE } from '../audio/pcm16.ts';
import { wavHeader } from '../audio/wavHeader.ts';
import { referenceFeatures } from '../features/featureConfig.ts';
import type { SoundCopies } from './soundCopies.ts';

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
