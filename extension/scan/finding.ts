import { t } from '@vscode/l10n';
import { ErrorCode } from '../../shared/errors.ts';
import type { ScannedFile } from '../../shared/protocol.ts';
import { NOT_READ, type Outcome } from '../../shared/scanPage.ts';
import { durationText, headline, percent } from '../../shared/wording.ts';

/** What a scan found out about a file, in as few words as the lists need; the report asks for the rest. */
export interface Finding {
  /** Absolute path. */
  file: string;
  outcome: Outcome;
  /** Of Deepfake, in [0, 1]; absent for a file that could not be read. */
  probability?: number;
  /** Seconds. */
  duration?: number;
  /** The window that sounds most synthetic, in seconds, where there are several. */
  strongest?: { start: number; end: number; probability: number };
  /** Why there is no clear answer, or none at all; empty otherwise. */
  remark: string;
  /** When it was found out, in milliseconds since 1970. */
  time: number;
  /** The file was written to since. */
  outdated?: boolean;
}

/** Outcomes as lists show them, what matters most first. */
export const OUTCOMES: readonly Outcome[] = ['Deepfake', 'Inconclusive', NOT_READ, 'Genuine'];

export function findingOf(scanned: ScannedFile, time: number): Finding {
  const { file } = scanned;
  if ('error' in scanned) return { file, outcome: NOT_READ, remark: scanned.error.message, time };
  const { decision, deepfakeProbability, windows, reasons, audio } = scanned.verdict;
  const [first, ...others] = windows;
  const strongest = others.reduce((a, b) => (b.deepfakeProbability > a.deepfakeProbability ? b : a), first);
  return {
    file,
    outcome: decision,
    probability: deepfakeProbability,
    duration: audio.duration,
    ...(others.length === 0
      ? {}
      : {
          strongest: {
            start: strongest.start,
            end: strongest.end,
            probability: strongest.deepfakeProbability,
          },
        }),
    remark: reasons.join(' '),
    time,
  };
}

/** Whether a scan was told of a file that is not there any more. */
export const isGone = (scanned: ScannedFile): boolean =>
  'error' in scanned && scanned.error.code === ErrorCode.FileNotFound;

export function outcomeText(outcome: Outcome): string {
  switch (outcome) {
    case 'Deepfake':
      return t('Deepfake');
    case 'Genuine':
      return t('Genuine');
    case 'Inconclusive':
      return t('Inconclusive');
    case NOT_READ:
      return t('Not read');
  }
}

/** A finding in one or two sentences: how probable, and where in the file. */
export function findingText({ outcome, probability, strongest, remark }: Finding): string {
  if (outcome === NOT_READ || probability === undefined) return remark;
  const sentences = [
    outcome === 'Deepfake'
      ? t('{0}: probability {1}.', headline(outcome), percent(probability))
      : t('{0}: probability of synthetic speech {1}.', headline(outcome), percent(probability)),
    ...(remark === '' ? [] : [remark]),
  ];
  if (strongest !== undefined && outcome !== 'Genuine') {
    sentences.push(
      t(
        'Most synthetic from {0} to {1} ({2}).',
        durationText(strongest.start),
        durationText(strongest.end),
        percent(strongest.probability),
      ),
    );
  }
  return sentences.join(' ');
}
