import './style.css';
import { t } from '@vscode/l10n';
import type { Verdict } from '../../shared/verdict.ts';
import { durationText, headline, percent } from '../../shared/wording.ts';
import { byId, element } from '../elements.ts';
import { drawThumbnail } from '../report/spectrogram.ts';
import { currentTheme, onThemeChange } from '../report/theme.ts';
import { loadTranslations } from '../translations.ts';
import type { Card, FromResults, ToResults } from './messages.ts';

declare function acquireVsCodeApi(): {
  postMessage(message: FromResults): void;
};

loadTranslations();
const vscode = acquireVsCodeApi();
const list = byId<HTMLUListElement>('cards');
const status = byId('status');
const empty = byId('empty');

let cards: Card[] = [];

window.addEventListener('message', ({ data }: MessageEvent<ToResults>) => {
  switch (data.type) {
    case 'cards':
      cards = data.cards;
      list.replaceChildren(...cards.map(cardElement));
      empty.hidden = cards.length > 0;
      draw();
      break;
    case 'card': {
      const index = cards.findIndex(({ uri }) => uri === data.card.uri);
      if (index === -1) return;
      cards[index] = data.card;
      replaceCard(list.children[index], data.card);
      break;
    }
  }
  showStatus();
});
list.addEventListener('keydown', moveByKey);
onThemeChange(draw);
vscode.postMessage({ type: 'ready' });

function showStatus(): void {
  const done = cards.filter(({ outcome }) => outcome !== undefined).length;
  status.hidden = cards.length === 0;
  if (done < cards.length) {
    status.textContent = t('Detecting: {0} of {1} files', done, cards.length);
    return;
  }
  const deepfakes = cards
    .filter(({ outcome }) => outcome !== undefined && 'verdict' in outcome)
    .filter(({ outcome }) => (outcome as { verdict: Verdict }).verdict.decision === 'Deepfake').length;
  status.textContent = t('{0} files, Deepfake: {1}', cards.length, deepfakes);
}

/** Puts the new card in the place of the old one, with the focus where it was. */
function replaceCard(old: Element, card: Card): void {
  const focused = [...old.querySelectorAll('button')].indexOf(document.activeElement as HTMLButtonElement);
  const item = cardElement(card);
  old.replaceWith(item);
  if (focused >= 0) item.querySelectorAll('button')[focused]?.focus();
  drawCard(item, card);
}

function cardElement(card: Card): HTMLLIElement {
  const { uri, name, folder, outcome } = card;
  const item = element('li', 'card');
  const names = element('div', 'names', element('h2', '', name), element('p', 'quiet folder', folder));
  names.title = `${folder}/${name}`;
  item.append(names);
  if (outcome === undefined) {
    item.append(element('p', 'quiet', t('Detecting…')), element('div', 'moving-bar'));
  } else if ('verdict' in outcome) {
    item.dataset.decision = outcome.verdict.decision;
    item.append(...verdictElements(outcome.verdict));
  } else {
    item.classList.add('failed');
    item.append(element('p', 'failure', outcome.message));
  }
  item.append(
    element(
      'div',
      'buttons',
      button(t('Open report'), t('Open the report of {0}', name), () =>
        vscode.postMessage({ type: 'open', uri }),
      ),
      button(t('Reveal'), t('Show {0} in the explorer', name), () =>
        vscode.postMessage({ type: 'reveal', uri }),
      ),
    ),
  );
  return item;
}

function verdictElements({
  decision,
  deepfakeProbability,
  threshold,
  audio,
  spectrogram,
}: Verdict): HTMLElement[] {
  const meter = element('div', 'bar');
  meter.setAttribute('role', 'meter');
  meter.setAttribute('aria-label', t('Probability of synthetic speech'));
  meter.setAttribute('aria-valuemin', '0');
  meter.setAttribute('aria-valuemax', '1');
  meter.setAttribute('aria-valuenow', String(deepfakeProbability));
  meter.setAttribute('aria-valuetext', percent(deepfakeProbability));
  const fill = element('div', 'fill');
  fill.style.width = `${100 * deepfakeProbability}%`;
  const mark = element('div', 'mark');
  mark.style.left = `${100 * threshold}%`;
  meter.append(fill, mark);
  const facts = `${percent(deepfakeProbability)} · ${durationText(audio.duration)}`;
  const elements: HTMLElement[] = [
    element('p', 'verdict', element('strong', '', headline(decision)), element('span', 'quiet', facts)),
    meter,
  ];
  if (spectrogram !== undefined) {
    const canvas = element('canvas', '');
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', t('Spectrogram'));
    elements.push(canvas);
  }
  return elements;
}

function draw(): void {
  cards.forEach((card, index) => {
    drawCard(list.children[index], card);
  });
}

function drawCard(item: Element, { outcome }: Card): void {
  const canvas = item.querySelector('canvas');
  if (canvas === null || outcome === undefined || !('verdict' in outcome)) return;
  const { spectrogram, evidence } = outcome.verdict;
  if (spectrogram !== undefined) drawThumbnail(canvas, spectrogram, evidence, currentTheme());
}

/** Arrow keys go from card to card, to the same button. */
function moveByKey(event: KeyboardEvent): void {
  const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
  const card = (event.target as Element).closest('.card');
  if (step === undefined || card === null) return;
  const index = [...card.querySelectorAll('button')].indexOf(event.target as HTMLButtonElement);
  const next = step < 0 ? card.previousElementSibling : card.nextElementSibling;
  const target = next?.querySelectorAll('button')[Math.max(0, index)];
  if (target === undefined) return;
  event.preventDefault();
  target.focus();
}

function button(text: string, label: string, act: () => void): HTMLButtonElement {
  const made = element('button', 'secondary', text);
  made.type = 'button';
  made.setAttribute('aria-label', label);
  made.addEventListener('click', act);
  return made;
}
