/** What the page of a webview is made from besides its own words; none of it comes from an audio file. */
export interface PageResources {
  /** Source expression of the webview's own resources. */
  cspSource: string;
  /** Random, new for each page. */
  nonce: string;
  /** Minified code, which is part of the page: fetched by itself it would come later than the verdict. */
  script: string;
  style: string;
  /** BCP 47 tag of the language that the page is in. */
  language: string;
  /** English texts and their translations, for the page's script; see media/translations.ts. */
  translations: Record<string, string>;
}

/**
 * A page that allows nothing but its own script, style, pictures and, where it has a player, sound. What is known about a
 * file, its name included, arrives as messages and is shown as text.
 * @param body HTML.
 */
export function webviewPage(
  { cspSource, nonce, script, style, language, translations }: PageResources,
  { title, body, plays = false }: { title: string; body: string; plays?: boolean },
): string {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    `img-src ${cspSource} blob: data:`,
    ...(plays ? [`media-src ${cspSource} blob:`] : []),
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${escapeHtml(language)}">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <style nonce="${nonce}">${style}</style>
  <title>${escapeHtml(title)}</title>
</head>
<body data-translations="${escapeHtml(JSON.stringify(translations))}">
${body}
  <script nonce="${nonce}">${script}</script>
</body>
</html>`;
}

/** Text for HTML, also inside double quotes. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
