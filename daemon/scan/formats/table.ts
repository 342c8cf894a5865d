import type { ScanSummary } from '../../../shared/protocol.ts';
import { durationText } from '../../../shared/wording.ts';
import { printable, type ReportContext, type ReportWriter, rowOf, shownPath } from './format.ts';

/** Columns as they come, for people at a terminal; the path last because nothing bounds its length. */
export function table({ base }: ReportContext): ReportWriter {
  const line = (decision: string, probability: string, length: string, file: string) =>
    `${decision.padEnd(12)}  ${probability.padStart(9)}  ${length.padStart(9)}  ${file}\n`;
  return {
    begin: () => line('Decision', 'Deepfake', 'Length', 'File'),
    row: (file) => {
      const { decision, deepfakeProbability, duration, remark } = rowOf(file);
      const probability =
        deepfakeProbability === undefined ? '' : `${(100 * deepfakeProbability).toFixed(1)} %`;
      const length = duration === undefined ? '' : durationText(duration);
      const path = printable(shownPath(file.file, base));
      const told = remark === '' ? '' : `  (${printable(remark)})`;
      return line(decision, probability, length, path + told);
    },
    end: (summary) => `${summaryText(summary)}\n`,
  };
}

/** 12 files in 1.4 s: 3 Deepfake, 8 Genuine, 1 Inconclusive, 0 not read; 10 of them known from before. */
export function summaryText(summary: ScanSummary): string {
  const { files, Deepfake, Genuine, Inconclusive, failed, unchanged, recognized, seconds } = summary;
  const known = unchanged + recognized;
  return (
    `${files} ${files === 1 ? 'file' : 'files'} in ${durationText(seconds)}: ` +
    `${Deepfake} Deepfake, ${Genuine} Genuine, ${Inconclusive} Inconclusive, ${failed} not read` +
    (known === 0 ? '.' : `; ${known} of them known from before.`)
  );
}
