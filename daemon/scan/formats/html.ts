import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { PageFacts, PageRow } from '../../../shared/scanPage.ts';
import { distFile } from '../../paths.ts';
import { type ReportContext, type ReportWriter, rowOf, shownPath } from './format.ts';

/**
 * One HTML file without anything around it. Rows are data, never markup; the page's own script turns the visible ones into
 * text nodes, and its content security policy allows no other script, no style and no connection.
 */
export function html(context: ReportContext): ReportWriter {
  const script = readFileSync(distFile('media/scanReport/main.js'), 'utf8').replaceAll('</', '<\\/');
  const style = readFileSync(distFile('media/scanReport/main.css'), 'utf8');
  const policy = `default-src 'none'; script-src '${sourceHash(script)}'; style-src '${sourceHash(style)}'; base-uri 'none'; form-action 'none'`;
  let separator = '\n';
  return {
    begin: () => `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Deepfake scan</title>
<style>${style}</style>
</head>
<body>
<noscript>This report needs JavaScript to show its rows.</noscript>
<main id="report"></main>
<script type="application/json" id="rows">[`,
    row: (file) => {
      const { decision, deepfakeProbability, duration, remark } = rowOf(file);
      const path = shownPath(file.file, context.base);
      const cells: PageRow = [path, decision, deepfakeProbability ?? null, duration ?? null, remark];
      const text = separator + inScript(cells);
      separator = ',\n';
      return text;
    },
    end: (summary) => {
      const { paths, model, version, started } = context;
      const facts: PageFacts = { summary, paths, model, version, started: started.toISOString() };
      return `]</script>
<script type="application/json" id="facts">${inScript(facts)}</script>
<script>${script}</script>
</body>
</html>
`;
    },
  };
}

const sourceHash = (source: string): string =>
  `sha256-${createHash('sha256').update(source).digest('base64')}`;

/** JSON in which nothing can end the script element. */
const inScript = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
