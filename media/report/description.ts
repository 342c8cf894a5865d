import { t } from '@vscode/l10n';
import type { EvidenceMap, Verdict, WindowScore } from '../../shared/verdict.ts';
import { durationText, frequencyText, percent } from '../../shared/wording.ts';
import { matrixBytes, valueAt } from './byteMatrix.ts';

/** The spectrogram and its evidence in words, for those who cannot see it and as its caption. */
export function describeSpectrogram({ audio, spectrogram, evidence }: Verdict): string {
  if (spectrogram === undefined) return '';
  const { frequencies } = spectrogram;
  const lowest = frequencyText(frequencies[0]);
  const highest = frequencyText(frequencies[frequencies.length - 1]);
  const sentences = [
    t('Loudness of {0} of sound from {1} to {2}.', durationText(audio.duration), lowest, highest),
  ];
  if (evidence !== undefined) {
    const { towardsDeepfake, towardsGenuine } = strongestEvidence(evidence, frequencies);
    if (towardsDeepfake !== undefined) {
      sentences.push(t('What sounds most synthetic lies at {0}.', place(towardsDeepfake)));
    }
    if (towardsGenuine !== undefined) {
      sentences.push(t('What sounds most genuine lies at {0}.', place(towardsGenuine)));
    }
    if (evidence.outside > 0) {
      sentences.push(
        t('The silence that the clip was filled up with speaks for synthetic and is not shown.'),
      );
    } else if (evidence.outside < 0) {
      sentences.push(t('The silence that the clip was filled up with speaks for genuine and is not shown.'));
    }
  }
  return sentences.join(' ');
}

/** The window scores in words. */
export function describeWindows(windows: readonly WindowScore[]): string {
  const highest = windows.reduce((a, b) => (b.deepfakeProbability > a.deepfakeProbability ? b : a));
  const lowest = windows.reduce((a, b) => (b.deepfakeProbability < a.deepfakeProbability ? b : a));
  const at = ({ start, end, deepfakeProbability }: WindowScore) =>
    t('{0} from {1} to {2}', percent(deepfakeProbability), durationText(start), durationText(end));
  return t(
    '{0} overlapping windows: the most synthetic is {1}, the most genuine {2}.',
    windows.length,
    at(highest),
    at(lowest),
  );
}

interface Region {
  /** Seconds. */
  start: number;
  end: number;
  /** Centre in hertz. */
  frequency: number;
}

/** The cells of the map that push hardest in either direction; none where nothing pushes that way. */
export function strongestEvidence(
  evidence: EvidenceMap,
  frequencies: readonly number[],
): { towardsDeepfake?: Region; towardsGenuine?: Region } {
  const { rows, columns } = evidence;
  const bytes = matrixBytes(evidence);
  const region = (index: number): Region => {
    const row = Math.floor(index / columns);
    const seconds = evidence.duration / columns;
    const start = evidence.start + (index % columns) * seconds;
    // Rows of the map are equal steps on the frequency axis of the spectrogram.
    const centre = Math.min(frequencies.length - 1, Math.floor(((row + 0.5) / rows) * frequencies.length));
    return { start, end: start + seconds, frequency: frequencies[centre] };
  };
  let highest = 0;
  let lowest = 0;
  for (let i = 1; i < bytes.length; i++) {
    if (bytes[i] > bytes[highest]) highest = i;
    if (bytes[i] < bytes[lowest]) lowest = i;
  }
  return {
    towardsDeepfake: valueAt(evidence, bytes[highest]) > 0 ? region(highest) : undefined,
    towardsGenuine: valueAt(evidence, bytes[lowest]) < 0 ? region(lowest) : undefined,
  };
}

const place = ({ start, end, frequency: hertz }: Region): string =>
  t('{0} around {1}', durationText((start + end) / 2), frequencyText(hertz));
