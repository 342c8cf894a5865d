import { t } from '@vscode/l10n';
import { escapeHtml as html, type PageResources, webviewPage } from '../webviewPage.ts';

/** The empty page of the view with a card per file. */
export function resultsHtml(resources: PageResources): string {
  const body = `  <main>
    <p id="status" class="quiet" role="status"></p>
    <ul id="cards" aria-label="${html(t('Files detected'))}"></ul>
    <p id="empty" class="quiet" hidden>${html(t('Select several audio files in the explorer and choose “Detect Deepfake”.'))}</p>
  </main>`;
  return webviewPage(resources, { title: t('Deepfake results'), body });
}
