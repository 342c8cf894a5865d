import { createHash } from 'node:crypto';
import theme from './metricsPage.css' with { type: 'text' };

/**
 * The page of a `report.html`: its markup and its own style sheet, followed by one that takes VS Code's colours. Whatever the
 * file says, nothing is loaded and no script runs; the policy names the two style sheets by their hashes.
 */
export function metricsPage(file: string): string {
  const style = /<style>([\s\S]*?)<\/style>/.exec(file)?.[1] ?? '';
  const body = /<body>([\s\S]*)<\/body>/.exec(file)?.[1] ?? file;
  const sheets = [style, theme];
  const hashes = sheets.map((sheet) => `'sha256-${createHash('sha256').update(sheet).digest('base64')}'`);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${hashes.join(' ')}; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
${sheets.map((sheet) => `<style>${sheet}</style>`).join('\n')}
</head>
<body>${body}</body>
</html>`;
}
