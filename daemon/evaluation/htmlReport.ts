import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { MetricsFile } from '../../shared/protocol.ts';
import { CLASS_NAMES } from '../../shared/verdict.ts';
import { writeFileAtomically } from '../files.ts';
import {
  type CoveragePoint,
  coverageErrorCurve,
  errorsAtCoverage,
  thresholdAtFalseAlarmRate,
} from './calibration.ts';
import { detCurve, type ReliabilityBin, reliability, rocCurve } from './curves.ts';
import { count, percent } from './figureText.ts';
import { checkGates, gateText } from './gates.ts';
import { html, Markup } from './html.ts';
import { operatingPoints, tally, tallyEqualErrorRate } from './metrics.ts';
import { coveragePlot, detPlot, distributionPlot, type Mark, reliabilityPlot, rocPlot } from './plots.ts';
import style from './report.css' with { type: 'text' };

const REPORT_NAME = 'report.html';

const FALSE_ALARM_RATES = [0.001, 0.01, 0.02, 0.05, 0.1, 0.2];

export interface HtmlReportInput {
  /** Calibrated probability of Deepfake of each clip. */
  probabilities: ArrayLike<number>;
  /** 0 Genuine, 1 Deepfake. */
  labels: ArrayLike<number>;
  metrics: MetricsFile;
  /** What was measured on what; texts and numbers are shown. */
  facts: Record<string, unknown>;
}

/** Writes `report.html` into `folder`, which is created, and returns its path. Throws WriteFailed. */
export async function writeHtmlReport(folder: string, input: HtmlReportInput, prefix = ''): Promise<string> {
  const path = join(folder, `${prefix}${REPORT_NAME}`);
  await writeFileAtomically(path, htmlReport(input));
  return path;
}

const TABLE_COVERAGES = [0.1, 0.25, 0.5, 0.75, 0.9, 1];

/** A page that needs nothing else: figures with confidence intervals, gates, confusion matrix, and plots with their tables. */
export function htmlReport(input: HtmlReportInput): string {
  const { probabilities, labels, metrics, facts } = input;
  const counts = tally(probabilities, labels);
  const points = operatingPoints(counts);
  const { eer, threshold: eerThreshold } = tallyEqualErrorRate(counts);
  const marks: Mark[] = [
    { point: points.find(({ threshold }) => threshold === eerThreshold)!, text: `EER ${percent(eer)}` },
    // The last threshold that calls as many clips Deepfake as the model's does.
    {
      point: points.findLast(({ threshold }) => threshold >= metrics.threshold)!,
      text: `Threshold ${figure(metrics.threshold)}`,
    },
  ];
  const { bins, expectedCalibrationError } = reliability(counts);
  const coverage = coverageErrorCurve(probabilities, labels, metrics.threshold);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hashOf(style)}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Deepfake detection report</title>
<style>${new Markup(style)}</style>
</head>
<body>
<main>
<h1>Deepfake detection report</h1>
${factList(facts, counts.genuineTotal, counts.deepfakeTotal)}
${headline(metrics)}
<div class="pair">
<section>
<h2>Quality gates</h2>
${gateTable(metrics)}
</section>
<section>
<h2>Confusion matrix</h2>
${confusionTable(metrics)}
<p class="note">Deepfake from probability ${figure(metrics.threshold)} on; shares are of the true class.</p>
</section>
</div>
<section>
<h2>All figures</h2>
${figureTable(metrics)}
</section>
${plotSection(
  'ROC curve',
  rocPlot(rocCurve(counts), marks),
  rateTable(probabilities, labels),
  'How many deepfakes are found when a given share of the genuine clips may be called Deepfake by mistake.',
)}
${plotSection(
  'DET curve',
  detPlot(detCurve(counts), marks, eer),
  detTable(input, marks),
  'The two kinds of error against each other, on normal-deviate axes; nearer to the lower left corner is better.',
)}
${plotSection(
  'Reliability',
  reliabilityPlot(bins),
  reliabilityTable(bins),
  `Of the clips with a given probability, the share that are deepfakes; on the diagonal the probabilities say what they mean. Expected calibration error ${percent(expectedCalibrationError)}.`,
)}
${plotSection(
  'Coverage and error',
  coveragePlot(coverage),
  coverageTable(coverage),
  'How many labels are wrong when only the clips farthest from the threshold are decided, both classes weighing the same.',
)}
${plotSection(
  'Distribution of the probabilities',
  distributionPlot(bins),
  distributionTable(bins),
  'How the clips of each class spread over the probabilities that they got.',
)}
</main>
</body>
</html>
`;
  return page.text;
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64');

function factList(facts: Record<string, unknown>, genuine: number, deepfake: number): Markup {
  const shown = Object.entries(facts).filter(
    (entry): entry is [string, string | number] =>
      typeof entry[1] === 'string' || typeof entry[1] === 'number',
  );
  const texts = shown.map(([name, value]) => [
    nameOf(name),
    typeof value === 'number' && !Number.isInteger(value) ? percent(value) : String(value),
  ]);
  texts.push(['Clips', `${count(genuine)} Genuine, ${count(deepfake)} Deepfake`]);
  return html`<dl>${texts.map(([name, text]) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`)}</dl>`;
}

/** evaluated_on → Evaluated on. */
const nameOf = (key: string): string => {
  const words = key.replaceAll('_', ' ').replace('sha256', 'SHA-256');
  return words[0].toUpperCase() + words.slice(1);
};

function headline(metrics: MetricsFile): Markup {
  const cards: [string, string, string][] = [
    ['Accuracy', percent(metrics.accuracy), interval(metrics, 'accuracy')],
    ['Equal error rate', percent(metrics.eer), interval(metrics, 'eer')],
    ['F1', metrics.f1.toFixed(3), interval(metrics, 'f1', fixed)],
    ['Area under ROC', fixed(metrics.auc as number), interval(metrics, 'auc', fixed)],
  ];
  return html`<div class="cards">${cards.map(
    ([name, value, range]) =>
      html`<div class="card"><span class="name">${name}</span><span class="value">${value}</span><span class="range">${range}</span></div>`,
  )}</div>`;
}

const fixed = (value: number): string => value.toFixed(3);

/** The 95 % confidence interval of a figure as text; empty where there is none. */
function interval(metrics: MetricsFile, name: string, format = percent): string {
  const intervals = metrics.confidence_intervals as Record<string, unknown> | undefined;
  const range = intervals?.[name];
  return Array.isArray(range) ? `${format(range[0])} to ${format(range[1])}` : '';
}

function gateTable(metrics: MetricsFile): Markup {
  return table(
    ['Gate', 'Measured', 'Required', 'Result'],
    checkGates(metrics).map((gate) => {
      const { name, measured, required } = gateText(gate);
      const mark = gate.passed
        ? html`<span class="passed">✓ passed</span>`
        : html`<span class="failed">✗ failed</span>`;
      return [name, measured, required, mark];
    }),
  );
}

function confusionTable({ confusion_matrix: matrix }: MetricsFile): Markup {
  const rows = CLASS_NAMES.map((name, r) => {
    const total = matrix[r][0] + matrix[r][1];
    const cells = matrix[r].map(
      (value) =>
        html`<td class="heat heat-${Math.round((10 * value) / total)}"><b>${count(value)}</b><br>${percent(value / total)}</td>`,
    );
    return html`<tr><th scope="row">${name}</th>${cells}</tr>`;
  });
  return html`<table class="confusion"><thead><tr><th></th><th colspan="2" scope="colgroup">Predicted class</th></tr><tr><th scope="col">True class</th>${CLASS_NAMES.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${rows}</tbody></table>`;
}

function figureTable(metrics: MetricsFile): Markup {
  const { per_class_accuracy: perClass } = metrics;
  const rows: [string, string, string][] = [
    ['Accuracy', percent(metrics.accuracy), interval(metrics, 'accuracy')],
    ['Accuracy on Genuine', percent(perClass.Genuine), interval(metrics, 'genuine_accuracy')],
    ['Accuracy on Deepfake', percent(perClass.Deepfake), interval(metrics, 'deepfake_accuracy')],
    ['Equal error rate', percent(metrics.eer), interval(metrics, 'eer')],
    ['Half total error rate', percent(metrics.hter as number), interval(metrics, 'hter')],
    ['F1 of Deepfake', fixed(metrics.f1), interval(metrics, 'f1', fixed)],
    ['Area under the ROC curve', fixed(metrics.auc as number), interval(metrics, 'auc', fixed)],
    ['Minimum detection cost, normalised', fixed(metrics.min_dcf as number), ''],
    ['Cost of the log-likelihood ratio (Cllr)', `${fixed(metrics.cllr as number)} bit`, ''],
  ];
  return table(['Figure', 'Value', '95 % confidence interval'], rows);
}

function rateTable(probabilities: ArrayLike<number>, labels: ArrayLike<number>): Markup {
  const rows = FALSE_ALARM_RATES.map((rate) => {
    const { threshold, falseAlarmRate, missRate } = thresholdAtFalseAlarmRate(probabilities, labels, rate);
    return [percent(rate), percent(falseAlarmRate), percent(1 - missRate), figure(threshold)];
  });
  return table(['False positives at most', 'False positives', 'Deepfakes found', 'Threshold'], rows);
}

function detTable({ metrics, probabilities, labels }: HtmlReportInput, [equal, used]: Mark[]): Markup {
  const row = (name: string, threshold: number, { falseAlarmRate, missRate }: Rates) => [
    name,
    figure(threshold),
    percent(falseAlarmRate),
    percent(missRate),
  ];
  const limited = FALSE_ALARM_RATES.map((rate) => {
    const point = thresholdAtFalseAlarmRate(probabilities, labels, rate);
    return row(`False alarms at most ${percent(rate)}`, point.threshold, point);
  });
  return table(
    ['Point', 'Threshold', 'False alarms', 'Misses'],
    [
      row('Equal error rate', equal.point.threshold, equal.point),
      row("The model's threshold", metrics.threshold, used.point),
      ...limited,
    ],
  );
}

type Rates = Pick<Mark['point'], 'falseAlarmRate' | 'missRate'>;

const binText = ({ low, high }: ReliabilityBin): string => `${low.toFixed(1)} to ${high.toFixed(1)}`;
const orDash = (value: number | null): string => (value === null ? '–' : percent(value));

const reliabilityTable = (bins: readonly ReliabilityBin[]): Markup =>
  table(
    ['Probability', 'Clips', 'Mean probability', 'Deepfakes'],
    bins.map((bin) => [
      binText(bin),
      count(bin.genuine + bin.deepfake),
      orDash(bin.meanProbability),
      orDash(bin.deepfakeShare),
    ]),
  );

const coverageTable = (points: readonly CoveragePoint[]): Markup =>
  table(
    ['Decided', 'Wrong'],
    errorsAtCoverage(points, TABLE_COVERAGES).map((point) => [percent(point.coverage), percent(point.error)]),
  );

const distributionTable = (bins: readonly ReliabilityBin[]): Markup =>
  table(
    ['Probability', ...CLASS_NAMES],
    bins.map((bin) => [binText(bin), count(bin.genuine), count(bin.deepfake)]),
  );

const plotSection = (title: string, plot: Markup, beside: Markup, caption: string): Markup =>
  html`<section>
<h2>${title}</h2>
<p>${caption}</p>
<div class="pair plot"><figure>${plot}</figure>${beside}</div>
</section>`;

/** The first cell of each row names it. */
function table(head: readonly string[], rows: readonly (readonly (string | Markup)[])[]): Markup {
  return html`<table><thead><tr>${head.map((text) => html`<th scope="col">${text}</th>`)}</tr></thead><tbody>${rows.map(
    ([name, ...cells]) =>
      html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody></table>`;
}

const figure = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(4))) : value > 0 ? 'above all' : 'below all';
