import { t } from '@vscode/l10n';
import type { EvidenceMap, SpectrogramImage } from '../../shared/verdict.ts';
import { frequencyText } from '../../shared/wording.ts';
import { matrixBytes, valueAt } from './byteMatrix.ts';

/** What a point of the spectrogram says. */
export interface PointValue {
  /** Centre of its band in hertz. */
  frequency: number;
  /** Relative to the loudest point of the file. */
  decibels: number;
  /** Share of the strongest evidence shown, in [−1, 1], positive towards Deepfake; absent where there is none. */
  evidence?: number;
}

/**
 * The values at a time in seconds and a height in [0, 1] of the frequency axis; undefined where the picture has no column.
 */
export function pointValue(
  spectrogram: SpectrogramImage,
  evidence: EvidenceMap | undefined,
  seconds: number,
  height: number,
): PointValue | undefined {
  const { rows, columns, start, secondsPerColumn, frequencies } = spectrogram;
  const column = Math.round((seconds - start) / secondsPerColumn);
  if (column < 0 || column >= columns) return undefined;
  const row = Math.min(rows - 1, Math.max(0, Math.floor(height * rows)));
  const decibels = valueAt(spectrogram, matrixBytes(spectrogram)[row * columns + column]);
  return { frequency: frequencies[row], decibels, evidence: evidenceAt(evidence, seconds, height) };
}

function evidenceAt(evidence: EvidenceMap | undefined, seconds: number, height: number): number | undefined {
  if (evidence === undefined) return undefined;
  const { rows, columns, start, duration } = evidence;
  const column = Math.floor(((seconds - start) / duration) * columns);
  if (column < 0 || column >= columns) return undefined;
  const row = Math.min(rows - 1, Math.max(0, Math.floor(height * rows)));
  const strongest = Math.max(Math.abs(evidence.minimum), Math.abs(evidence.maximum)) || 1;
  return valueAt(evidence, matrixBytes(evidence)[row * columns + column]) / strongest;
}

/** Evidence weaker than this share of the strongest is not told. */
const NOTICEABLE = 0.02;

/** A point in words: time, frequency, loudness, evidence. */
export function readOut(seconds: number, value: PointValue | undefined): string {
  if (value === undefined) return positionText(seconds);
  const { frequency, decibels, evidence } = value;
  const parts = [
    positionText(seconds),
    frequencyText(frequency),
    `${Math.round(decibels)} dB`.replace('-', '−'),
  ];
  if (evidence !== undefined) parts.push(evidenceText(evidence));
  return parts.join(' · ');
}

function evidenceText(evidence: number): string {
  const share = `${Math.round(100 * Math.abs(evidence))} %`;
  if (Math.abs(evidence) < NOTICEABLE) return t('no evidence');
  return evidence > 0
    ? t('synthetic, {0} of the strongest', share)
    : t('genuine, {0} of the strongest', share);
}

/** 3.25 s, 1:04.50, 1:02:04.50. */
export function positionText(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(2)} s`;
  return clockText(seconds, 2);
}

/** 0:05, 12:30, 1:02:04 – with as many decimals as asked for. */
export function clockText(seconds: number, decimals = 0): string {
  const scale = 10 ** decimals;
  const rounded = Math.round(seconds * scale) / scale;
  const hours = Math.floor(rounded / 3600);
  const minutes = Math.floor(rounded / 60) % 60;
  const rest = (rounded % 60).toFixed(decimals).padStart(decimals > 0 ? 3 + decimals : 2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}
