import { verdictJson } from '../../../shared/verdictJson.ts';
import type { ReportWriter } from './format.ts';

/** One JSON object per line: what `predict` prints of a file, `content_hash` and `cached`; or `file` and `error`. */
export function jsonLines(): ReportWriter {
  return {
    begin: () => '',
    row: (file) => {
      const { cached, contentHash } = file;
      const answer = 'verdict' in file ? verdictJson(file.verdict) : { file: file.file, error: file.error };
      return `${JSON.stringify({ ...answer, content_hash: contentHash, cached })}\n`;
    },
    end: () => '',
  };
}
