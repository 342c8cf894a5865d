import { t } from '@vscode/l10n';
import { escapeHtml as html, type PageResources, webviewPage } from '../webviewPage.ts';

/** The empty page of a report. */
export function reportHtml(resources: PageResources): string {
  const body = `  <main>
    <header class="file">
      <h1 id="file-name"></h1>
      <p id="file-folder" class="quiet"></p>
    </header>

    <section id="detecting">
      <div class="moving-bar" aria-hidden="true"></div>
      <div class="section-head">
        <p><span role="status">${html(t('Detecting…'))}</span> <span id="progress-text" class="quiet"></span></p>
        <button id="stop" type="button" class="secondary">${html(t('Stop'))}</button>
      </div>
    </section>

    <section id="failure" role="alert" hidden>
      <h2>${html(t('No verdict'))}</h2>
      <p id="failure-message"></p>
      <button id="retry" type="button">${html(t('Retry'))}</button>
    </section>

    <div id="result" hidden>
      <section id="verdict" class="verdict-box" aria-labelledby="headline">
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
    </div>

    <div id="pictures" hidden>
      <section aria-labelledby="spectrogram-title">
        <div class="section-head">
          <h3 id="spectrogram-title">${html(t('Spectrogram'))}</h3>
          <div id="evidence-controls" class="controls" hidden>
            <span class="legend"><span>${html(t('speaks for genuine'))}</span><span class="legend-ramp" aria-hidden="true"></span><span>${html(t('speaks for synthetic'))}</span></span>
            <label for="evidence-opacity">${html(t('Evidence'))}</label>
            <input id="evidence-opacity" type="range" min="0" max="100" step="5">
          </div>
        </div>
        <div class="section-head">
          <div class="controls" role="group" aria-label="${html(t('Player'))}">
            <audio id="player" preload="metadata"></audio>
            <button id="play" type="button">${html(t('Play'))}</button>
            <span id="position" class="position quiet"></span>
            <label for="volume">${html(t('Volume'))}</label>
            <input id="volume" type="range" min="0" max="100" step="5" value="100">
            <span id="player-note" class="quiet" role="status"></span>
          </div>
          <div class="controls" role="group" aria-label="${html(t('Time axis'))}">
            <span id="view-text" class="quiet" role="status"></span>
            <button id="zoom-out" type="button" class="secondary" aria-label="${html(t('Zoom out'))}" title="${html(t('Zoom out'))} (−)" disabled>−</button>
            <button id="zoom-in" type="button" class="secondary" aria-label="${html(t('Zoom in'))}" title="${html(t('Zoom in'))} (+)">+</button>
            <button id="zoom-whole" type="button" class="secondary" title="${html(t('Show the whole file'))} (0)" disabled>${html(t('Whole file'))}</button>
          </div>
        </div>
        <div id="spectrogram-frame" class="plot" role="slider" tabindex="0" aria-label="${html(t('Position in the spectrogram'))}" aria-describedby="spectrogram-text spectrogram-keys" aria-valuemin="0">
          <canvas id="waveform"></canvas>
          <canvas id="spectrogram"></canvas>
          <div class="cursor" hidden></div>
        </div>
        <p id="read-out" class="read-out" aria-hidden="true"></p>
        <p id="spectrogram-text" class="quiet"></p>
        <p id="spectrogram-keys" class="quiet">${html(t('A click or the arrow keys move the position, Ctrl and the wheel or + and − zoom, dragging or Shift and the arrow keys move the view, 0 shows the whole file, Space plays.'))}</p>
      </section>

      <section id="windows-section" aria-labelledby="windows-title" hidden>
        <h3 id="windows-title">${html(t('Probability over time'))}</h3>
        <div id="windows-frame" class="plot">
          <canvas id="windows" role="img" aria-labelledby="windows-text"></canvas>
          <div class="cursor" hidden></div>
        </div>
        <p id="windows-text" class="quiet"></p>
      </section>
    </div>

    <section id="details" aria-labelledby="facts-title" hidden>
      <div class="section-head">
        <h3 id="facts-title">${html(t('Details'))}</h3>
        <div class="controls">
          <button id="copy-json" type="button" class="secondary">${html(t('Copy as JSON'))}</button>
          <button id="save-html" type="button" class="secondary">${html(t('Save as HTML…'))}</button>
          <button id="save-png" type="button" class="secondary">${html(t('Save as PNG…'))}</button>
        </div>
      </div>
      <dl id="facts"></dl>
    </section>
  </main>`;
  return webviewPage(resources, { title: t('Deepfake report'), body, plays: true });
}
