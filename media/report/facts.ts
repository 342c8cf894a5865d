import { t } from '@vscode/l10n';
import type { Verdict } from '../../shared/verdict.ts';
import { durationText, fileSizeText } from '../../shared/wording.ts';

/** What the report says about the file, its decoding and the model: names and values, in order. */
export function facts({ audio, model, windows }: Verdict): [name: string, value: string][] {
  const channels =
    audio.channels === 1 ? t('mono') : audio.channels === 2 ? t('stereo') : t('{0} channels', audio.channels);
  const bits = audio.bitsPerSample === undefined ? '' : t(', {0} bits', audio.bitsPerSample);
  const format = audio.codec === audio.container ? audio.container : `${audio.container}, ${audio.codec}`;
  return [
    [t('Duration'), durationText(audio.duration)],
    [t('Format'), format],
    [t('Sound'), `${audio.sampleRate / 1000} kHz, ${channels}${bits}`],
    [t('Size'), fileSizeText(audio.bytes)],
    [t('Decoded by'), audio.decoder],
    [t('Windows examined'), String(windows.length)],
    [t('Model'), model.name],
    [t('Checkpoint'), model.checkpoint],
    [t('SHA-256'), model.sha256],
  ];
}
