import { fileJson, type ReportWriter } from './format.ts';

/** A JSON object per line, which can be read while the scan goes on. */
export function jsonLines(): ReportWriter {
  return { begin: () => '', row: (file) => `${fileJson(file)}\n`, end: () => '' };
}
