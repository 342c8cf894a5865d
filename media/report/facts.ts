import type { Verdict } from '../../shared/verdict.ts';
import { durationText, fileSizeText } from '../../shared/wording.ts';

/** What the report says about the file, its decoding and the model: names and values, in order. */
export function facts({ audio, model, windows }: Verdict): [name: string, value: string][] {
  const channels =
    audio.channels === 1 ? 'mono' : audio.channels === 2 ? 'stereo' : `${audio.channels} channels`;
  const bits = audio.bitsPerSample === undefined ? '' : `, ${audio.bitsPerSample} bits`;
  const format = audio.codec === audio.container ? audio.container : `${audio.container}, ${audio.codec}`;
  return [
    ['Duration', durationText(audio.duration)],
    ['Format', format],
    ['Sound', `${audio.sampleRate / 1000} kHz, ${channels}${bits}`],
    ['Size', fileSizeText(audio.bytes)],
    ['Decoded by', audio.decoder],
    ['Windows examined', String(windows.length)],
    ['Model', model.name],
    ['Checkpoint', model.checkpoint],
    ['SHA-256', model.sha256],
  ];
}
