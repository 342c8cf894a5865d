import { fileJson, type ReportWriter } from './format.ts';

/** One JSON array of what `jsonLines` writes in lines. */
export function json(): ReportWriter {
  let separator = '\n';
  return {
    begin: () => '[',
    row: (file) => {
      const text = separator + fileJson(file);
      separator = ',\n';
      return text;
    },
    end: () => '\n]\n',
  };
}
