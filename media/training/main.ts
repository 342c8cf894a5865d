import './style.css';
import { t } from '@vscode/l10n';
import type { EpochReport } from '../../shared/protocol.ts';
import { byId, element, fillList } from '../elements.ts';
import { loadTranslations } from '../translations.ts';
import { type CurvePoint, drawChart } from './chart.ts';
import type { FromTrainingPage, ToTrainingPage, TrainingPageState, TrainingView } from './messages.ts';
import {
  datasetText,
  epochText,
  fractionDone,
  outcomeText,
  outcomeTitle,
  share,
  statusText,
} from './wording.ts';

declare function acquireVsCodeApi(): {
  postMessage(message: FromTrainingPage): void;
  setState(state: TrainingPageState): void;
};

/** The vertical axes end at the least here: an EER that stays below looks as small as it is. */
const LEAST = 0.08;
/** Epochs on the horizontal axis at the beginning of a long run. */
const LEAST_EPOCHS = 20;
/** Where the vertical axes end before the first epoch: what guessing would give, rounded up. */
const EMPTY_EER = 0.6;
const EMPTY_LOSS = 0.8;

loadTranslations();
const vscode = acquireVsCodeApi();
let view: TrainingView | undefined;

window.addEventListener('message', ({ data }: MessageEvent<ToTrainingPage>) => show(data.view));
const buttons = {
  stop: 'stop',
  'use-model': 'useModel',
  'open-report': 'openReport',
  again: 'again',
} as const;
for (const [id, type] of Object.entries(buttons)) {
  byId(id).addEventListener('click', () => vscode.postMessage({ type }));
}
new ResizeObserver(drawCharts).observe(byId('eer-chart'));
vscode.postMessage({ type: 'ready' });

function show(next: TrainingView): void {
  const before = view;
  view = next;
  vscode.setState({ view: next });
  const { dataset, outcome, reports } = next;
  byId('title').textContent = t('Training a detector on {0}', next.name);
  byId('dataset').textContent = dataset === undefined ? '' : datasetText(dataset);
  fillList(byId('warnings'), dataset?.warnings ?? []);
  showProgress(next);
  byId('outcome').hidden = outcome === undefined;
  byId('figures').hidden = outcome !== undefined && reports.length === 0;
  if (outcome !== undefined && before?.outcome === undefined) showOutcome(next);
  if (before === undefined || before.reports.length !== reports.length || before.outcome !== outcome) {
    fillTable(reports);
    drawCharts();
    const last = reports.at(-1);
    if (last !== undefined && outcome === undefined) byId('announcement').textContent = epochText(last);
  }
}

function showProgress(shown: TrainingView): void {
  byId('running').hidden = shown.phase === 'ended';
  byId('status').textContent = statusText(shown);
  byId<HTMLButtonElement>('stop').disabled = shown.phase === 'stopping';
  const fraction = fractionDone(shown);
  const bar = byId('progress');
  bar.classList.toggle('unknown', fraction === undefined);
  byId('progress-fill').style.width = fraction === undefined ? '' : `${100 * fraction}%`;
  if (fraction === undefined) bar.removeAttribute('aria-valuenow');
  else bar.setAttribute('aria-valuenow', String(Math.round(100 * fraction)));
  bar.setAttribute('aria-valuetext', statusText(shown));
}

function showOutcome({ outcome }: TrainingView): void {
  if (outcome === undefined) return;
  const hasModel = 'model' in outcome && outcome.model !== undefined;
  byId('announcement').textContent = '';
  byId('outcome').dataset.kind = outcome.kind;
  byId('outcome-title').textContent = outcomeTitle(outcome);
  byId('outcome-text').textContent = outcomeText(outcome);
  byId('use-model').hidden = !hasModel;
  byId('open-report').hidden = !hasModel;
  const canGoOn = outcome.kind === 'stopped' || outcome.kind === 'interrupted';
  byId('again').textContent = canGoOn ? t('Resume training') : t('Train again…');
}

/** Newest first: that is the row one looks for while it grows. */
function fillTable(reports: readonly EpochReport[]): void {
  const rows = reports.toReversed().map((report) => {
    const head = element('th', '', String(report.epoch));
    head.scope = 'row';
    const cells = [
      report.loss.toFixed(4),
      share(report.valAccuracy),
      share(report.valEer),
      report.valF1.toFixed(3),
      String(Math.round(report.examplesPerSecond)),
    ];
    return element('tr', '', head, ...cells.map((cell) => element('td', '', cell)));
  });
  byId('epochs').replaceChildren(...rows);
}

function drawCharts(): void {
  if (view === undefined) return;
  const { reports, outcome } = view;
  const done = reports.at(-1)?.epoch ?? 0;
  // The curve takes up at least a quarter of its axis, however many epochs there are to come.
  const ahead = Math.min(view.epochs, Math.max(LEAST_EPOCHS, 4 * done));
  const epochs = Math.max(2, outcome === undefined ? ahead : done);
  const marked = outcome !== undefined && 'model' in outcome ? outcome.model?.bestEpoch : undefined;
  byId('ring-note').hidden = marked === undefined;
  const number = (value: number) => String(Number(value.toFixed(3)));
  const draw = (
    id: string,
    name: string,
    figure: (report: EpochReport) => number,
    empty: number,
    format: (value: number) => string,
  ) => {
    const points = reports.map((report) => ({ epoch: report.epoch, value: figure(report) }));
    const describe = ({ epoch, value }: CurvePoint) => t('Epoch {0}: {1}', epoch, format(value));
    const label =
      points.length === 0
        ? t('{0}: no epoch has ended yet', name)
        : t('{0} from {1} to {2}', name, describe(points[0]), describe(points[points.length - 1]));
    drawChart(byId(id), { points, epochs, marked, empty, least: LEAST, format, describe, label });
  };
  draw('eer-chart', t('Validation EER'), ({ valEer }) => valEer, EMPTY_EER, share);
  draw('loss-chart', t('Training loss'), ({ loss }) => loss, EMPTY_LOSS, number);
}
