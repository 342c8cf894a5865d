import { t } from '@vscode/l10n';
import { escapeHtml as html, type PageResources, webviewPage } from './webviewPage.ts';

/** The empty page of a report. */
export function reportHtml(resources: PageResources): string {
  const body = `  <main>
    <header class="file">
      <h1 id="file-name"></h1>
      <p id="file-folder" class="quiet"></p>
    </header>

    <section id="detecting" role="status">
      <div class="moving-bar" aria-hidden="true"></div>
      <p>${html(t('Detecting…'))}</p>
    </section>

    <section id="failure" role="alert" hidden>
      <h2>${html(t('No verdict'))}</h2>
      <p id="failure-message"></p>
      <button id="retry" type="button">${html(t('Retry'))}</button>
    </section>

    <div id="result" hidden>
      <section id="verdict" aria-labelledby="headline">
        <h2 id="headline"></h2>
        <p id="summary"></p>
        <div class="scale">
          <div id="probability" class="bar" role="meter" aria-label="${html(t('Probability of synthetic speech'))}" aria-valuemin="0" aria-valuemax="1">
            <div id="probability-fill" class="fill"></div>
            <div id="threshold-mark" class="mark"></div>
          </div>
          <div class="scale-ends quiet" aria-hidden="true"><span>${html(t('Genuine'))}</span><span>${html(t('Synthetic'))}</span></div>
        </div>
        <ul id="reasons" class="notes"></ul>
        <ul id="warnings" class="notes"></ul>
        <p id="model" class="quiet"></p>
      </section>

      <section aria-label="${html(t('Player'))}">
        <audio id="player" controls preload="metadata"></audio>
        <p id="player-note" class="quiet" role="status"></p>
      </section>

      <section aria-labelledby="spectrogram-title">
        <div class="section-head">
          <h3 id="spectrogram-title">${html(t('Spectrogram'))}</h3>
          <div id="evidence-controls" class="evidence-controls" hidden>
            <span class="legend"><span>${html(t('Genuine'))}</span><span class="legend-ramp" aria-hidden="true"></span><span>${html(t('Synthetic'))}</span></span>
            <label for="evidence-opacity">${html(t('Evidence'))}</label>
            <input id="evidence-opacity" type="range" min="0" max="100" step="5">
          </div>
        </div>
        <div id="spectrogram-frame" class="plot" role="slider" tabindex="0" aria-label="${html(t('Position in the spectrogram'))}" aria-describedby="spectrogram-text" aria-valuemin="0">
          <canvas id="spectrogram"></canvas>
          <div class="cursor" hidden></div>
        </div>
        <p id="spectrogram-text" class="quiet"></p>
      </section>

      <section id="windows-section" aria-labelledby="windows-title" hidden>
        <h3 id="windows-title">${html(t('Probability over time'))}</h3>
        <div id="windows-frame" class="plot">
          <canvas id="windows" role="img" aria-labelledby="windows-text"></canvas>
          <div class="cursor" hidden></div>
        </div>
        <p id="windows-text" class="quiet"></p>
      </section>

      <section aria-labelledby="facts-title">
        <div class="section-head">
          <h3 id="facts-title">${html(t('Details'))}</h3>
          <button id="copy-json" type="button" class="secondary">${html(t('Copy as JSON'))}</button>
        </div>
        <dl id="facts"></dl>
      </section>
    </div>
  </main>`;
  return webviewPage(resources, { title: t('Deepfake report'), body, plays: true });
}
