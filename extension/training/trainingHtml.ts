import { t } from '@vscode/l10n';
import { escapeHtml as html, type PageResources, webviewPage } from '../webviewPage.ts';

/** The empty page of a training run. */
export function trainingHtml(resources: PageResources): string {
  const body = `  <main>
    <header>
      <h1 id="title"></h1>
      <p id="dataset" class="quiet"></p>
      <ul id="warnings" class="notes"></ul>
    </header>

    <section id="running" aria-label="${html(t('Progress'))}">
      <div id="progress" class="bar" role="progressbar" aria-label="${html(t('Training'))}" aria-valuemin="0" aria-valuemax="100">
        <div id="progress-fill" class="fill"></div>
      </div>
      <div class="status-line">
        <p id="status"></p>
        <button id="stop" type="button" class="secondary">${html(t('Stop and keep the model so far'))}</button>
      </div>
    </section>

    <section id="outcome" role="status" hidden>
      <h2 id="outcome-title"></h2>
      <p id="outcome-text"></p>
      <div class="buttons">
        <button id="use-model" type="button">${html(t('Use this model'))}</button>
        <button id="open-report" type="button" class="secondary">${html(t('Open report'))}</button>
        <button id="again" type="button" class="secondary"></button>
      </div>
    </section>

    <p id="announcement" class="for-screen-readers" role="status"></p>

    <div id="figures">
      <div class="charts">
      <section aria-labelledby="eer-title">
        <h3 id="eer-title">${html(t('Validation EER'))}</h3>
        <p class="quiet">${html(t('Share of clips judged wrongly where both kinds of error are equally frequent; lower is better.'))}</p>
        <div id="eer-chart" class="chart"></div>
      </section>
      <section aria-labelledby="loss-title">
        <h3 id="loss-title">${html(t('Training loss'))}</h3>
        <p class="quiet">${html(t('Mean binary cross-entropy over the epoch; it should fall.'))}</p>
        <div id="loss-chart" class="chart"></div>
      </section>
    </div>

    <p id="ring-note" class="quiet" hidden>${html(t('The ring marks the epoch that was kept.'))}</p>
    <details>
      <summary>${html(t('All epochs as a table'))}</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">${html(t('Epoch'))}</th>
            <th scope="col">${html(t('Loss'))}</th>
            <th scope="col">${html(t('Accuracy'))}</th>
            <th scope="col">${html(t('EER'))}</th>
            <th scope="col">${html(t('F1'))}</th>
            <th scope="col">${html(t('Examples/s'))}</th>
          </tr>
        </thead>
        <tbody id="epochs"></tbody>
      </table>
    </details>
    </div>
  </main>`;
  return webviewPage(resources, { title: t('Training'), body });
}
