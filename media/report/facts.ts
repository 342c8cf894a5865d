import { t } from '@vscode/l10n';
import type { AudioFacts, Preparation, Verdict } from '../../shared/verdict.ts';
import { durationText, fileSizeText } from '../../shared/wording.ts';

/** From this absolute sample on, sound counts as being at full scale. */
const FULL_SCALE = 0.999;

/** What the report says about the file, its decoding and the model: names and values, in order. */
export function facts({
  audio,
  model,
  windows,
  preparation,
  engine,
}: Verdict): [name: string, value: string][] {
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
    ...(preparation === undefined
      ? []
      : ([
          [t('Changed for the model'), changes(audio, preparation).join(', ')],
          [t('Loudest sample'), loudest(preparation)],
        ] as [string, string][])),
    [t('Windows examined'), String(windows.length)],
    [t('Model'), model.name],
    [t('Checkpoint'), model.checkpoint],
    [t('SHA-256'), model.sha256],
    [t('Computed by'), engine.device === 'cpu' ? engine.name : `${engine.name}, ${engine.device}`],
  ];
}

/** What was done to the sound before the network saw it. */
function changes(audio: AudioFacts, { sampleRate, window, filledWith }: Preparation): string[] {
  const done: string[] = [];
  if (audio.channels > 1) done.push(t('averaged to one channel'));
  if (audio.sampleRate !== sampleRate) {
    done.push(t('resampled to {0} kHz', sampleRate / 1000));
  }
  if (filledWith === 'silence') done.push(t('filled up with silence to {0}', durationText(window)));
  if (filledWith === 'repeats') done.push(t('repeated to fill {0}', durationText(window)));
  return done.length > 0 ? done : [t('nothing')];
}

function loudest({ peak }: Preparation): string {
  if (peak === 0) return t('silence');
  const decibels = `${(20 * Math.log10(peak)).toFixed(1).replace('-', '−')} dBFS`;
  return peak >= FULL_SCALE ? t('{0}: the sound may be clipped', decibels) : decibels;
}
