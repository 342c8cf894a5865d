import type { CoveragePoint } from './calibration.ts';
import { probitOfRate, type ReliabilityBin } from './curves.ts';
import { html, type Markup } from './html.ts';
import type { OperatingPoint } from './metrics.ts';

// The drawing in SVG units.
const WIDTH = 460;
const HEIGHT = 400;
const LEFT = 66;
const RIGHT = WIDTH - 22;
const TOP = 14;
const BOTTOM = HEIGHT - 54;

/** An axis: values between `from` and `to` on a straight scale, and what stands at it. */
interface Axis {
  label: string;
  from: number;
  to: number;
  ticks: { value: number; text: string }[];
}

/** A single point that a plot names. */
export interface Mark {
  point: OperatingPoint;
  text: string;
}

const SHARES = [0, 0.2, 0.4, 0.6, 0.8, 1].map((value) => ({ value, text: `${Math.round(100 * value)} %` }));
const shareAxis = (label: string): Axis => ({ label, from: 0, to: 1, ticks: SHARES });

/** True positive rate over false positive rate. */
export function rocPlot(curve: readonly OperatingPoint[], marks: readonly Mark[]): Markup {
  const x = shareAxis('False positive rate (genuine clips called Deepfake)');
  const y = shareAxis('True positive rate (deepfakes found)');
  const place = ({ falseAlarmRate, missRate }: OperatingPoint) => at(x, y, falseAlarmRate, 1 - missRate);
  return plot('ROC curve', x, y, [
    line([at(x, y, 0, 0), at(x, y, 1, 1)], 'chance'),
    line(curve.map(place), 'curve'),
    ...marks.map(({ point, text }, index) => mark(place(point), text, index, 1)),
  ]);
}

/** Error rates between which a DET curve is drawn, and what stands at its axes. */
interface DetRange {
  lowest: number;
  highest: number;
  ticks: number[];
}
const GOOD: DetRange = { lowest: 5e-4, highest: 0.5, ticks: [0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4] };
const POOR: DetRange = {
  lowest: 5e-4,
  highest: 0.995,
  ticks: [0.001, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 0.99],
};
/** From this equal error rate on the whole curve is drawn. */
const POOR_EER = 0.25;

/** Miss rate over false alarm rate on probit axes. */
export function detPlot(curve: readonly OperatingPoint[], marks: readonly Mark[], eer: number): Markup {
  const { lowest, highest, ticks } = eer < POOR_EER ? GOOD : POOR;
  const axis = (label: string): Axis => ({
    label,
    from: probitOfRate(lowest),
    to: probitOfRate(highest),
    ticks: ticks.map((rate) => ({
      value: probitOfRate(rate),
      text: `${Number((100 * rate).toFixed(1))} %`,
    })),
  });
  const x = axis('False alarm rate (genuine clips called Deepfake)');
  const y = axis('Miss rate (deepfakes called Genuine)');
  const place = ({ falseAlarmRate, missRate }: OperatingPoint) =>
    at(x, y, probitOfRate(falseAlarmRate), probitOfRate(missRate));
  // A mark outside the axes stands at their edge.
  const inside = (rate: number) => Math.min(Math.max(rate, lowest), highest);
  const placeInside = ({ threshold, falseAlarmRate, missRate }: OperatingPoint) =>
    place({ threshold, falseAlarmRate: inside(falseAlarmRate), missRate: inside(missRate) });
  return plot('DET curve', x, y, [
    line([at(x, y, x.from, y.from), at(x, y, x.to, y.to)], 'chance'),
    line(curve.map(place), 'curve'),
    ...marks.map(({ point, text }, index) => mark(placeInside(point), text, index, -1)),
  ]);
}

/** Share of deepfakes over predicted probability, one point per bin that has clips. */
export function reliabilityPlot(bins: readonly ReliabilityBin[]): Markup {
  const x = shareAxis('Predicted probability of Deepfake');
  const y = shareAxis('Share of deepfakes at equal priors');
  const places = bins.flatMap(({ meanProbability, deepfakeShare }) =>
    meanProbability === null || deepfakeShare === null ? [] : [at(x, y, meanProbability, deepfakeShare)],
  );
  return plot('Reliability', x, y, [
    line([at(x, y, 0, 0), at(x, y, 1, 1)], 'chance'),
    line(places, 'curve'),
    ...places.map(([px, py]) => html`<circle class="dot" cx="${px}" cy="${py}" r="4.5"/>`),
  ]);
}

/** Share of wrong labels over the share of clips that are decided, the surest first. */
export function coveragePlot(points: readonly CoveragePoint[]): Markup {
  const x = shareAxis('Share of the clips that is decided');
  const y = shareAxis('Wrong labels among them');
  const places = points.map(({ coverage, error }) => at(x, y, coverage, error));
  return plot('Coverage and error', x, y, [line(places, 'curve')]);
}

/** How the clips of each class spread over the predicted probabilities. */
export function distributionPlot(bins: readonly ReliabilityBin[]): Markup {
  const x = shareAxis('Predicted probability of Deepfake');
  const y = shareAxis('Share of the class');
  const totals = bins.reduce(
    (sum, { genuine, deepfake }) => ({ genuine: sum.genuine + genuine, deepfake: sum.deepfake + deepfake }),
    { genuine: 0, deepfake: 0 },
  );
  const gap = 0.008;
  const bars = bins.flatMap(({ low, high, genuine, deepfake }) => {
    const middle = (low + high) / 2;
    return [
      bar(x, y, low + gap, middle, genuine / totals.genuine, 'genuine'),
      bar(x, y, middle, high - gap, deepfake / totals.deepfake, 'deepfake'),
    ];
  });
  const legend = (['genuine', 'deepfake'] as const).map(
    (name, index) =>
      html`<rect class="${name}" x="${LEFT + 90 + 130 * index}" y="${TOP + 6}" width="12" height="12"/><text x="${LEFT + 108 + 130 * index}" y="${TOP + 16}">${name === 'genuine' ? 'Genuine' : 'Deepfake'}</text>`,
  );
  return plot('Distribution of the probabilities', x, y, [...bars, ...legend]);
}

type Place = [x: number, y: number];

const at = (x: Axis, y: Axis, valueX: number, valueY: number): Place => [
  rounded(LEFT + ((valueX - x.from) / (x.to - x.from)) * (RIGHT - LEFT)),
  rounded(BOTTOM - ((valueY - y.from) / (y.to - y.from)) * (BOTTOM - TOP)),
];

const rounded = (value: number): number => Number(value.toFixed(2));

function plot(title: string, x: Axis, y: Axis, body: readonly Markup[]): Markup {
  const grid = [
    ...x.ticks.map(({ value, text }) => {
      const [px] = at(x, y, value, y.from);
      return html`<path class="grid" d="M${px} ${TOP}V${BOTTOM}"/><text class="tick" x="${px}" y="${BOTTOM + 18}" text-anchor="middle">${text}</text>`;
    }),
    ...y.ticks.map(({ value, text }) => {
      const [, py] = at(x, y, x.from, value);
      return html`<path class="grid" d="M${LEFT} ${py}H${RIGHT}"/><text class="tick" x="${LEFT - 8}" y="${py + 4}" text-anchor="end">${text}</text>`;
    }),
  ];
  const middle = (TOP + BOTTOM) / 2;
  return html`<svg role="img" aria-label="${title}; the table beside it has the figures" viewBox="0 0 ${WIDTH} ${HEIGHT}">
${grid}
<path class="axis" d="M${LEFT} ${TOP}V${BOTTOM}H${RIGHT}"/>
${body}
<text class="label" x="${(LEFT + RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${x.label}</text>
<text class="label" x="16" y="${middle}" text-anchor="middle" transform="rotate(-90 16 ${middle})">${y.label}</text>
</svg>`;
}

/** What leaves the axes is cut off by an inner drawing of their size. */
const line = (places: readonly Place[], name: string): Markup =>
  html`<svg x="${LEFT}" y="${TOP - 2}" width="${RIGHT - LEFT + 2}" height="${BOTTOM - TOP + 2}" viewBox="${LEFT} ${TOP - 2} ${RIGHT - LEFT + 2} ${BOTTOM - TOP + 2}"><polyline class="${name}" points="${places.map((place) => place.join(',')).join(' ')}"/></svg>`;

const bar = (x: Axis, y: Axis, from: number, to: number, share: number, name: string): Markup => {
  const [left, top] = at(x, y, from, share);
  const [right] = at(x, y, to, share);
  return html`<rect class="${name}" x="${left}" y="${top}" width="${rounded(right - left)}" height="${rounded(BOTTOM - top)}"/>`;
};

/** A ring with a text to its right, or to its left near the right edge; several texts stand one line apart in `direction`. */
function mark([x, y]: Place, text: string, index: number, direction: 1 | -1): Markup {
  const leftwards = x > RIGHT - 110;
  const textY = Math.min(Math.max(y + direction * (16 + 18 * index), TOP + 14), BOTTOM - 8);
  return html`<circle class="mark mark-${index}" cx="${x}" cy="${y}" r="5.5"/><text class="mark-text mark-text-${index}" x="${leftwards ? x - 12 : x + 12}" y="${textY}" text-anchor="${leftwards ? 'end' : 'start'}">${text}</text>`;
}
