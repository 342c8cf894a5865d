import { config } from '@vscode/l10n';

/** Takes over the translations that the extension has put into the page; comes before any text is made. */
export function loadTranslations(): void {
  config({ contents: JSON.parse(document.body.dataset.translations ?? '{}') });
}
