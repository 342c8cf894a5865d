import './style.css';
import { t } from '@vscode/l10n';
import type { ReportPart } from '../../shared/protocol.ts';
import type { Verdict } from '../../shared/verdict.ts';
import { durationText, headline, percent, summary } from '../../shared/wording.ts';
import { byId, element, fillList } from '../elements.ts';
import { loadTranslations } from '../translations.ts';
import { describeSpectrogram, describeWindows } from './description.ts';
import { facts } from './facts.ts';
import type { FileNames, FromReport, ReportState, ToReport } from './messages.ts';
import { Player } from './player.ts';
import { Plots } from './plots.ts';
import { clockText } from './readOut.ts';
import { HEAD_HEIGHT, PICTURE_WIDTH, paintHead } from './savedPicture.ts';
import { currentTheme, onThemeChange, paperTheme } from './theme.ts';

declare function acquireVsCodeApi(): {
  postMessage(message: FromReport): void;
  getState(): ReportState | undefined;
  setState(state: ReportState): void;
};

const DEFAULT_EVIDENCE_OPACITY = 0.7;
const VERDICT_SHOWN = 'verdict-shown';

loadTranslations();
const vscode = acquireVsCodeApi();
const audio = byId<HTMLAudioElement>('player');
const opacityInput = byId<HTMLInputElement>('evidence-opacity');
const volumeInput = byId<HTMLInputElement>('volume');

/** Number of the latest message on the detection. */
let latest = 0;
let fileName = '';
let duration = 0;
let verdict: Verdict | undefined;
const remembered = vscode.getState();
let state: ReportState = { evidenceOpacity: DEFAULT_EVIDENCE_OPACITY, seconds: 0, ...remembered, uri: '' };

const player = new Player(audio, {
  onMove: showPosition,
  onNote: (note) => {
    byId('player-note').textContent = note;
  },
  needSlice: (start) => vscode.postMessage({ type: 'needPlayable', start }),
});
const plots = new Plots(
  {
    seek: (seconds) => player.seek(seconds),
    togglePlaying: () => player.toggle(),
    needDetail: (start, end) => vscode.postMessage({ type: 'needDetail', start, end }),
    keepView: (view) => keep({ view }),
  },
  remembered?.view,
);
plots.evidenceOpacity = state.evidenceOpacity;

window.addEventListener('message', ({ data }: MessageEvent<ToReport>) => {
  if ('number' in data) {
    // A page made while its tab is shown may miss how the detection began; it is told again when it is ready.
    if (data.number <= latest || (latest === 0 && data.type !== 'detecting')) return;
    latest = data.number;
  }
  switch (data.type) {
    case 'detecting':
      showFile(data.file);
      verdict = undefined;
      plots.clear();
      player.open(data.audio);
      if (state.seconds > 0) player.seek(state.seconds);
      byId('progress-text').textContent = '';
      show('detecting');
      break;
    case 'part':
      showPart(data.part);
      break;
    case 'verdict':
      showVerdict(data.verdict);
      break;
    case 'failure':
      player.close();
      byId('failure-message').textContent = data.message;
      show('failure');
      break;
    case 'detail':
      plots.showDetail(data.pictures);
      break;
    case 'playable':
      player.addSlice(data.slice);
      break;
    case 'notPlayable':
      player.showNotPlayable(data.message);
      break;
  }
});
onClick('retry', () => vscode.postMessage({ type: 'retry' }));
onClick('stop', () => vscode.postMessage({ type: 'stop' }));
onClick('copy-json', () => vscode.postMessage({ type: 'copyJson' }));
onClick('save-png', savePng);
onClick('save-html', saveHtml);
onClick('play', () => player.toggle());
volumeInput.addEventListener('input', () => {
  audio.volume = Number(volumeInput.value) / 100;
});
opacityInput.addEventListener('input', () => {
  keep({ evidenceOpacity: Number(opacityInput.value) / 100 });
  plots.evidenceOpacity = state.evidenceOpacity;
});
onThemeChange(() => plots.draw());
vscode.postMessage({ type: 'ready' });

function onClick(id: string, act: () => void): void {
  byId(id).addEventListener('click', act);
}

/** The pictures are there from the first part of a long file on, the rest when there is a verdict. */
function show(part: 'detecting' | 'failure' | 'result', pictures = part === 'result'): void {
  for (const id of ['detecting', 'failure', 'result']) byId(id).hidden = id !== part;
  byId('pictures').hidden = !pictures;
  byId('details').hidden = part !== 'result';
}

function showFile({ name, folder, uri }: FileNames): void {
  fileName = name;
  byId('file-name').textContent = name;
  byId('file-folder').textContent = folder;
  keep({ uri });
}

function showPart({ seconds, promised, spectrogram, waveform, windows, threshold }: ReportPart): void {
  duration = Math.max(seconds, promised ?? 0);
  const examined =
    promised === undefined
      ? t('{0} examined', durationText(seconds))
      : t('{0} of {1} examined', durationText(seconds), durationText(promised));
  byId('progress-text').textContent = examined;
  byId('windows-section').hidden = windows.length < 2;
  byId('windows-text').textContent = '';
  byId('spectrogram-text').textContent = '';
  byId('evidence-controls').hidden = true;
  show('detecting', true);
  plots.show({ duration, spectrogram, waveform, windows, threshold }, false);
  showPosition(player.seconds, player.playing);
}

function showVerdict(next: Verdict): void {
  verdict = next;
  const { decision, deepfakeProbability, threshold, windows, spectrogram, waveform, evidence } = next;
  byId('verdict').dataset.decision = decision;
  byId('headline').textContent = headline(decision);
  byId('summary').textContent = summary(next);
  const meter = byId('probability');
  meter.setAttribute('aria-valuenow', String(deepfakeProbability));
  meter.setAttribute('aria-valuetext', percent(deepfakeProbability));
  byId('probability-fill').style.width = `${100 * deepfakeProbability}%`;
  byId('threshold-mark').style.left = `${100 * threshold}%`;
  byId('model').textContent = t('Model: {0}', next.model.name);
  fillList(byId('reasons'), next.reasons);
  fillList(byId('warnings'), next.audio.warnings);
  fillFacts(next);
  byId('evidence-controls').hidden = evidence === undefined;
  opacityInput.value = String(100 * state.evidenceOpacity);
  byId('spectrogram-text').textContent = describeSpectrogram(next);
  byId('windows-section').hidden = windows.length < 2;
  if (windows.length > 1) byId('windows-text').textContent = describeWindows(windows);
  show('result');
  duration = next.audio.duration;
  if (spectrogram !== undefined && waveform !== undefined) {
    plots.show({ duration, spectrogram, waveform, evidence, windows, threshold }, true);
  }
  showPosition(player.seconds, player.playing);
  // For whoever measures how long a verdict takes.
  requestAnimationFrame(() => performance.mark(VERDICT_SHOWN));
}

function showPosition(seconds: number, playing: boolean): void {
  const button = byId('play');
  button.textContent = playing ? t('Pause') : t('Play');
  byId('position').textContent = `${clockText(seconds, 1)} / ${clockText(duration, 1)}`;
  plots.moveCursor(seconds, playing);
  if (!playing) keep({ seconds });
}

/** Remembers what is to be found again when the tab is shown the next time. */
function keep(changes: Partial<ReportState>): void {
  state = { ...state, ...changes };
  // Before the file is known there is nothing to find again.
  if (state.uri !== '') vscode.setState(state);
}

function fillFacts(next: Verdict): void {
  byId('facts').replaceChildren(
    ...facts(next).flatMap(([name, value]) => [element('dt', '', name), element('dd', '', value)]),
  );
}

/** What is seen now, with the verdict above it. */
function savePng(): void {
  const shown = verdict;
  if (shown === undefined) return;
  const theme = currentTheme();
  const picture = plots.picture(theme, PICTURE_WIDTH, 'view', 'image/png', HEAD_HEIGHT, (context) =>
    paintHead(context, fileName, shown, theme),
  );
  if (picture !== undefined) vscode.postMessage({ type: 'savePng', picture });
}

function saveHtml(): void {
  const light = plots.picture(paperTheme(false), PICTURE_WIDTH, 'whole', 'image/webp');
  const dark = plots.picture(paperTheme(true), PICTURE_WIDTH, 'whole', 'image/webp');
  if (light === undefined || dark === undefined) return;
  vscode.postMessage({ type: 'saveHtml', pictures: { light, dark } });
}
