import { t } from '@vscode/l10n';
import type { Decision, Verdict } from './verdict.ts';

/** The decision in a few words that need no explanation. */
export function headline(decision: Decision): string {
  switch (decision) {
    case 'Deepfake':
      return t('Probably synthetic speech');
    case 'Genuine':
      return t('Probably genuine speech');
    case 'Inconclusive':
      return t('No clear answer');
  }
}

/** The probability and where the line is drawn. */
export function summary({ deepfakeProbability, threshold }: Verdict): string {
  return t(
    'Probability of synthetic speech: {0}. From {1} on, a file counts as a deepfake.',
    percent(deepfakeProbability),
    percent(threshold),
  );
}

/** A probability in [0, 1] as a percentage that never claims certainty. */
export function percent(probability: number): string {
  const value = 100 * probability;
  if (value > 99.9) return t('over {0}', '99.9 %');
  if (value < 0.1) return t('under {0}', '0.1 %');
  return `${value < 10 || value > 90 ? trimmed(value, 1) : Math.round(value)} %`;
}

/** 3.25 s, 48 s, 2:05 min, 1:02:09 h. */
export function durationText(seconds: number): string {
  if (seconds < 10) return `${trimmed(seconds, 2)} s`;
  if (seconds < 59.95) return `${trimmed(seconds, 1)} s`;
  const whole = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)} h` : `${minutes}:${two(rest)} min`;
}

/** 850 Hz, 4.1 kHz. */
export function frequencyText(hertz: number): string {
  return hertz < 999.5 ? `${Math.round(hertz)} Hz` : `${trimmed(hertz / 1000, 1)} kHz`;
}

/** 912 bytes, 48 kB, 1.2 MB. */
export function fileSizeText(bytes: number): string {
  if (bytes < 1000) return t('{0} bytes', bytes);
  if (bytes < 1e6) return `${Math.round(bytes / 1000)} kB`;
  return `${trimmed(bytes / 1e6, 1)} MB`;
}

const trimmed = (value: number, digits: number): string => String(Number(value.toFixed(digits)));
