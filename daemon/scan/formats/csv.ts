import { stringify } from 'csv-stringify/sync';
import { type ReportWriter, rowOf } from './format.ts';

const COLUMNS = [
  'file',
  'decision',
  'label',
  'confidence',
  'deepfake_probability',
  'threshold',
  'duration',
  'remark',
  'content_hash',
  'cached',
];

const line = (cells: unknown[]): string =>
  stringify([cells], {
    record_delimiter: 'windows',
    // Spreadsheets take cells that begin with = + - @ for formulas.
    escape_formulas: true,
    cast: { boolean: String },
  });

/** RFC 4180 with a header line. */
export function csv(): ReportWriter {
  return {
    begin: () => line(COLUMNS),
    row: (file) => {
      const { decision, deepfakeProbability, duration, remark } = rowOf(file);
      const verdict = 'verdict' in file ? file.verdict : undefined;
      return line([
        file.file,
        decision,
        verdict?.label,
        verdict?.confidence,
        deepfakeProbability,
        verdict?.threshold,
        duration,
        remark,
        file.contentHash,
        file.cached,
      ]);
    },
    end: () => '',
  };
}
