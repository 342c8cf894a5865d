import { t } from '@vscode/l10n';
import layout from '../../media/layout.css' with { type: 'text' };
import { describeSpectrogram, describeWindows } from '../../media/report/description.ts';
import { facts } from '../../media/report/facts.ts';
import type { FileNames, SavedPictures } from '../../media/report/messages.ts';
import type { Verdict } from '../../shared/verdict.ts';
import { headline, percent, summary } from '../../shared/wording.ts';
import { escapeHtml as html } from '../webviewPage.ts';
import colours from './savedReport.css' with { type: 'text' };

const PICTURE_URL = /^data:image\/(png|webp);base64,([A-Za-z0-9+/]+=*)$/;

/** The bytes of a picture given as a data URL. Throws RangeError where it is not one of the format. */
export function pictureBytes(dataUrl: string, format: 'png' | 'webp'): Buffer {
  const match = PICTURE_URL.exec(dataUrl);
  if (match?.[1] !== format) throw new RangeError(`The picture is not in the format ${format}.`);
  return Buffer.from(match[2], 'base64');
}

/** A report as one HTML file that needs nothing else: no script, no font, no picture from elsewhere; light or dark as the reader's system. */
export function savedReport(names: FileNames, verdict: Verdict, { light, dark }: SavedPictures): string {
  for (const picture of [light, dark]) pictureBytes(picture, 'webp');
  const { decision, deepfakeProbability, threshold, reasons, windows, audio } = verdict;
  const notes = [...reasons, ...audio.warnings].map((sentence) => `<li>${html(sentence)}</li>`);
  const rows = facts(verdict).map(([name, value]) => `<dt>${html(name)}</dt><dd>${html(value)}</dd>`);
  const description = describeSpectrogram(verdict);
  const words = windows.length > 1 ? `${description} ${describeWindows(windows)}` : description;
  return `<!DOCTYPE html>
<html>
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${html(t('{0} – deepfake report', names.name))}</title>
  <style>
${colours}${layout}  </style>
</head>
<body>
<main>
  <header>
    <h1>${html(names.name)}</h1>
    <p class="quiet">${html(names.folder)}</p>
  </header>
  <section class="verdict-box" data-decision="${decision}">
    <h2>${html(headline(decision))}</h2>
    <p>${html(summary(verdict))}</p>
    <div class="bar" role="img" aria-label="${html(t('Probability of synthetic speech'))}: ${html(percent(deepfakeProbability))}">
      <div class="fill" style="width: ${(100 * deepfakeProbability).toFixed(2)}%"></div>
      <div class="mark" style="left: ${(100 * threshold).toFixed(2)}%"></div>
    </div>
    <ul class="notes">${notes.join('')}</ul>
  </section>
  <figure>
    <picture>
      <source media="(prefers-color-scheme: dark)" srcset="${dark}">
      <img src="${light}" alt="${html(t('Waveform and spectrogram with the evidence'))}">
    </picture>
    <figcaption>
      <p><span class="key genuine"></span> ${html(t('speaks for genuine'))} <span class="key deepfake"></span> ${html(t('speaks for synthetic'))}</p>
      <p>${html(words)}</p>
    </figcaption>
  </figure>
  <section>
    <h3>${html(t('Details'))}</h3>
    <dl>${rows.join('')}</dl>
  </section>
</main>
</body>
</html>
`;
}
