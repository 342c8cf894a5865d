import './style.css';
import { t } from '@vscode/l10n';
import type { Verdict } from '../../shared/verdict.ts';
import { headline, percent, summary } from '../../shared/wording.ts';
import { loadTranslations } from '../translations.ts';
import { describeSpectrogram, describeWindows, shownSeconds } from './description.ts';
import { facts } from './facts.ts';
import type { FileNames, FromReport, ReportState, ToReport } from './messages.ts';
import { createPlayer } from './player.ts';
import { plotArea } from './plot.ts';
import { drawSpectrogram } from './spectrogram.ts';
import { currentTheme, onThemeChange } from './theme.ts';
import { drawWindowStrip } from './windowStrip.ts';

declare function acquireVsCodeApi(): {
  postMessage(message: FromReport): void;
  getState(): ReportState | undefined;
  setState(state: ReportState): void;
};

const DEFAULT_EVIDENCE_OPACITY = 0.7;
const KEY_STEP_SECONDS = 0.25;

loadTranslations();
const vscode = acquireVsCodeApi();
const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const spectrogramFrame = byId('spectrogram-frame');
const windowsFrame = byId('windows-frame');
const opacityInput = byId<HTMLInputElement>('evidence-opacity');

let verdict: Verdict | undefined;
let evidenceOpacity = vscode.getState()?.evidenceOpacity ?? DEFAULT_EVIDENCE_OPACITY;

const player = createPlayer(byId<HTMLAudioElement>('player'), byId('player-note'), moveCursors, () =>
  vscode.postMessage({ type: 'needPlayable' }),
);

window.addEventListener('message', ({ data }: MessageEvent<ToReport>) => {
  switch (data.type) {
    case 'detecting':
      showFile(data.file);
      show('detecting');
      break;
    case 'verdict':
      showVerdict(data.verdict);
      player.load(data.audioUri);
      break;
    case 'failure':
      byId('failure-message').textContent = data.message;
      show('failure');
      break;
    case 'playable':
      player.loadWav(data.wav, data.duration);
      break;
    case 'notPlayable':
      player.showNotPlayable(data.message);
      break;
  }
});
byId('retry').addEventListener('click', () => vscode.postMessage({ type: 'retry' }));
byId('copy-json').addEventListener('click', () => vscode.postMessage({ type: 'copyJson' }));
opacityInput.addEventListener('input', () => {
  evidenceOpacity = Number(opacityInput.value) / 100;
  const state = vscode.getState();
  if (state !== undefined) vscode.setState({ ...state, evidenceOpacity });
  draw();
});
spectrogramFrame.addEventListener('pointerdown', ({ offsetX }) =>
  seekTo(offsetX, spectrogramFrame, spectrogramSeconds()),
);
windowsFrame.addEventListener('pointerdown', ({ offsetX }) =>
  seekTo(offsetX, windowsFrame, verdict?.audio.duration ?? 0),
);
spectrogramFrame.addEventListener('keydown', seekByKey);
new ResizeObserver(draw).observe(spectrogramFrame);
onThemeChange(draw);
vscode.postMessage({ type: 'ready' });

function show(part: 'detecting' | 'failure' | 'result'): void {
  for (const id of ['detecting', 'failure', 'result']) byId(id).hidden = id !== part;
}

function showFile({ name, folder, uri }: FileNames): void {
  byId('file-name').textContent = name;
  byId('file-folder').textContent = folder;
  vscode.setState({ uri, evidenceOpacity });
}

function showVerdict(next: Verdict): void {
  verdict = next;
  const { decision, deepfakeProbability, threshold } = next;
  byId('verdict').dataset.decision = decision;
  byId('headline').textContent = headline(decision);
  byId('summary').textContent = summary(next);
  const meter = byId('probability');
  meter.setAttribute('aria-valuenow', String(deepfakeProbability));
  meter.setAttribute('aria-valuetext', percent(deepfakeProbability));
  byId('probability-fill').style.width = `${100 * deepfakeProbability}%`;
  byId('threshold-mark').style.left = `${100 * threshold}%`;
  byId('model').textContent = t('Model: {0}', next.model.name);
  fillList('reasons', next.reasons);
  fillList('warnings', next.audio.warnings);
  fillFacts(next);
  byId('evidence-controls').hidden = next.evidence === undefined;
  opacityInput.value = String(100 * evidenceOpacity);
  byId('spectrogram-text').textContent = describeSpectrogram(next);
  byId('windows-section').hidden = next.windows.length < 2;
  if (next.windows.length > 1) byId('windows-text').textContent = describeWindows(next.windows);
  show('result');
  draw();
  moveCursors(0);
}

function fillList(id: string, sentences: readonly string[]): void {
  byId(id).replaceChildren(...sentences.map((sentence) => textElement('li', sentence)));
}

function fillFacts(next: Verdict): void {
  byId('facts').replaceChildren(
    ...facts(next).flatMap(([name, value]) => [textElement('dt', name), textElement('dd', value)]),
  );
}

function textElement(tag: string, text: string): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

/** Draws what is drawn anew when the verdict, the window's size, the theme or the opacity changes. */
function draw(): void {
  if (verdict === undefined || byId('result').hidden) return;
  const theme = currentTheme();
  const { spectrogram, evidence, windows, threshold, audio } = verdict;
  if (spectrogram !== undefined) {
    const view = { spectrogram, evidence, evidenceOpacity, seconds: spectrogramSeconds() };
    drawSpectrogram(byId<HTMLCanvasElement>('spectrogram'), view, theme);
  }
  if (windows.length > 1) {
    drawWindowStrip(byId<HTMLCanvasElement>('windows'), windows, threshold, audio.duration, theme);
  }
  moveCursors(player.seconds);
}

function spectrogramSeconds(): number {
  return verdict?.spectrogram === undefined ? 0 : shownSeconds(verdict.spectrogram, verdict.audio.duration);
}

function moveCursors(seconds: number): void {
  placeCursor(spectrogramFrame, seconds, spectrogramSeconds());
  placeCursor(windowsFrame, seconds, verdict?.audio.duration ?? 0);
  spectrogramFrame.setAttribute('aria-valuemax', spectrogramSeconds().toFixed(2));
  spectrogramFrame.setAttribute('aria-valuenow', seconds.toFixed(2));
  spectrogramFrame.setAttribute('aria-valuetext', t('{0} seconds', seconds.toFixed(2)));
}

function placeCursor(frame: HTMLElement, seconds: number, axisSeconds: number): void {
  const cursor = frame.querySelector<HTMLElement>('.cursor')!;
  const { left, top, width, height } = plotArea(frame.clientWidth, frame.clientHeight);
  cursor.hidden = seconds <= 0 || seconds > axisSeconds;
  cursor.style.transform = `translate(${left + (seconds / axisSeconds) * width}px, ${top}px)`;
  cursor.style.height = `${height}px`;
}

function seekTo(offsetX: number, frame: HTMLElement, axisSeconds: number): void {
  const { left, width } = plotArea(frame.clientWidth, frame.clientHeight);
  player.seek(axisSeconds * Math.min(1, Math.max(0, (offsetX - left) / width)));
}

function seekByKey(event: KeyboardEvent): void {
  const end = spectrogramSeconds();
  const target = {
    ArrowLeft: player.seconds - KEY_STEP_SECONDS,
    ArrowRight: player.seconds + KEY_STEP_SECONDS,
    Home: 0,
    End: end,
  }[event.key];
  if (target === undefined) return;
  event.preventDefault();
  player.seek(Math.min(end, Math.max(0, target)));
}
