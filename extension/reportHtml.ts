/** What the page of a report is made from; none of it comes from the audio file. */
export interface ReportPage {
  /** Source expression of the webview's own resources. */
  cspSource: string;
  /** Random, new for each page. */
  nonce: string;
  scriptUri: string;
  styleUri: string;
}

/**
 * The empty page of a report. What is known about a file, its name included, arrives as messages and is shown as text.
 */
export function reportHtml({ cspSource, nonce, scriptUri, styleUri }: ReportPage): string {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${cspSource}`,
    `img-src ${cspSource} blob: data:`,
    `media-src ${cspSource} blob:`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="stylesheet" href="${styleUri}">
  <title>Deepfake report</title>
</head>
<body>
  <main>
    <header class="file">
      <h1 id="file-name"></h1>
      <p id="file-folder" class="quiet"></p>
    </header>

    <section id="detecting" role="status">
      <div class="moving-bar" aria-hidden="true"></div>
      <p>Detecting…</p>
    </section>

    <section id="failure" role="alert" hidden>
      <h2>No verdict</h2>
      <p id="failure-message"></p>
      <button id="retry" type="button">Retry</button>
    </section>

    <div id="result" hidden>
      <section id="verdict" aria-labelledby="headline">
        <h2 id="headline"></h2>
        <p id="summary"></p>
        <div class="scale">
          <div id="probability" class="bar" role="meter" aria-label="Probability of synthetic speech" aria-valuemin="0" aria-valuemax="1">
            <div id="probability-fill" class="fill"></div>
            <div id="threshold-mark" class="mark"></div>
          </div>
          <div class="scale-ends quiet" aria-hidden="true"><span>Genuine</span><span>Synthetic</span></div>
        </div>
        <ul id="reasons" class="notes"></ul>
        <ul id="warnings" class="notes"></ul>
        <p id="model" class="quiet"></p>
      </section>

      <section aria-label="Player">
        <audio id="player" controls preload="metadata"></audio>
        <p id="player-note" class="quiet" role="status"></p>
      </section>

      <section aria-labelledby="spectrogram-title">
        <div class="section-head">
          <h3 id="spectrogram-title">Spectrogram</h3>
          <div id="evidence-controls" class="evidence-controls" hidden>
            <span class="legend"><span>Genuine</span><span class="legend-ramp" aria-hidden="true"></span><span>Synthetic</span></span>
            <label for="evidence-opacity">Evidence</label>
            <input id="evidence-opacity" type="range" min="0" max="100" step="5">
          </div>
        </div>
        <div id="spectrogram-frame" class="plot" role="slider" tabindex="0" aria-label="Position in the spectrogram" aria-describedby="spectrogram-text" aria-valuemin="0">
          <canvas id="spectrogram"></canvas>
          <div class="cursor" hidden></div>
        </div>
        <p id="spectrogram-text" class="quiet"></p>
      </section>

      <section id="windows-section" aria-labelledby="windows-title" hidden>
        <h3 id="windows-title">Probability over time</h3>
        <div id="windows-frame" class="plot">
          <canvas id="windows" role="img" aria-labelledby="windows-text"></canvas>
          <div class="cursor" hidden></div>
        </div>
        <p id="windows-text" class="quiet"></p>
      </section>

      <section aria-labelledby="facts-title">
        <div class="section-head">
          <h3 id="facts-title">Details</h3>
          <button id="copy-json" type="button" class="secondary">Copy as JSON</button>
        </div>
        <dl id="facts"></dl>
      </section>
    </div>
  </main>
  <script nonce="${nonce}" src="${scriptUri}"></script>
</body>
</html>`;
}
