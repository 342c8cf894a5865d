/** A point of a curve: epoch from 1, and a value. */
export interface CurvePoint {
  epoch: number;
  value: number;
}

export interface Curve {
  /** In the order of their epochs. */
  points: readonly CurvePoint[];
  /** Epochs on the horizontal axis. */
  epochs: number;
  /** The epoch to point out. */
  marked?: number;
  /** Where the vertical axis ends while there are no points. */
  empty: number;
  /** The vertical axis ends here at the least. */
  least: number;
  /** A value for people. */
  format: (value: number) => string;
  /** A point in words, under the pointer. */
  describe: (point: CurvePoint) => string;
  /** The whole curve in words, for screen readers. */
  label: string;
}

const SVG = 'http://www.w3.org/2000/svg';
const MARGIN = { left: 56, right: 14, top: 10, bottom: 30 };
const HEIGHT = 220;
const EPOCH_LABEL_WIDTH = 44;
const GRID_LINES = 4;

/** Draws a curve into `frame`, in the width that this has; colours come from the style sheet. */
export function drawChart(frame: HTMLElement, curve: Curve): void {
  const width = Math.max(200, frame.clientWidth);
  const area = {
    left: MARGIN.left,
    top: MARGIN.top,
    width: width - MARGIN.left - MARGIN.right,
    height: HEIGHT - MARGIN.top - MARGIN.bottom,
  };
  const values = curve.points.length === 0 ? [curve.empty] : curve.points.map(({ value }) => value);
  const ceiling = niceCeiling(Math.max(curve.least, ...values));
  const x = (epoch: number) => area.left + ((epoch - 1) / Math.max(1, curve.epochs - 1)) * area.width;
  const y = (value: number) => area.top + area.height * (1 - value / ceiling);
  const bottom = area.top + area.height;

  const svg = element('svg', { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, role: 'img' });
  svg.setAttribute('aria-label', curve.label);
  for (let i = 0; i <= GRID_LINES; i++) {
    const value = (ceiling * i) / GRID_LINES;
    svg.append(
      element('line', {
        class: 'grid',
        x1: area.left,
        x2: area.left + area.width,
        y1: y(value),
        y2: y(value),
      }),
      text(curve.format(value), { class: 'tick', x: area.left - 8, y: y(value) + 4, 'text-anchor': 'end' }),
    );
  }
  for (const epoch of epochTicks(curve.epochs, area.width)) {
    svg.append(text(String(epoch), { class: 'tick', x: x(epoch), y: bottom + 20, 'text-anchor': 'middle' }));
  }
  const path = curve.points.map(({ epoch, value }) => `${x(epoch)},${y(value)}`).join(' ');
  svg.append(element('polyline', { class: 'curve', points: path }));
  // A single epoch makes no line.
  const last = curve.points.at(-1);
  if (last !== undefined)
    svg.append(element('circle', { class: 'dot', cx: x(last.epoch), cy: y(last.value), r: 3 }));
  const marked = curve.points.find(({ epoch }) => epoch === curve.marked);
  if (marked !== undefined) {
    svg.append(element('circle', { class: 'marked', cx: x(marked.epoch), cy: y(marked.value), r: 5.5 }));
  }
  followPointer(svg, curve.points, { x, y, area }, curve.describe);
  frame.replaceChildren(svg);
}

interface Scale {
  x: (epoch: number) => number;
  y: (value: number) => number;
  area: { left: number; top: number; width: number; height: number };
}

/** Shows the epoch nearest to the pointer in words. */
function followPointer(
  svg: SVGElement,
  points: readonly CurvePoint[],
  { x, y, area }: Scale,
  describe: (point: CurvePoint) => string,
): void {
  const line = element('line', { class: 'pointer', y1: area.top, y2: area.top + area.height });
  const dot = element('circle', { class: 'dot', r: 4 });
  const words = text('', { class: 'words', y: area.top + 14 });
  const group = element('g', { class: 'hover' });
  group.append(line, dot, words);
  const hide = () => group.remove();
  svg.addEventListener('pointermove', (event: PointerEvent) => {
    const position = event.clientX - svg.getBoundingClientRect().left;
    const nearest = points.reduce<CurvePoint | undefined>(
      (best, point) =>
        best === undefined || Math.abs(x(point.epoch) - position) < Math.abs(x(best.epoch) - position)
          ? point
          : best,
      undefined,
    );
    if (nearest === undefined) return;
    const at = x(nearest.epoch);
    setAttributes(line, { x1: at, x2: at });
    setAttributes(dot, { cx: at, cy: y(nearest.value) });
    const onTheRight = at > area.left + area.width / 2;
    setAttributes(words, { x: at + (onTheRight ? -8 : 8), 'text-anchor': onTheRight ? 'end' : 'start' });
    words.textContent = describe(nearest);
    svg.append(group);
  });
  svg.addEventListener('pointerleave', hide);
}

/** The next number from `value` on that four grid lines divide into short ones: 1.2, 2, 4, 6, 8 or 12 times a power of ten. */
export function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1.2, 2, 4, 6, 8].find((candidate) => value <= candidate * power * 1.000001) ?? 12;
  return factor * power;
}

/** Round epochs from 1 to `epochs`, with room for each label. */
export function epochTicks(epochs: number, width: number): number[] {
  const most = Math.max(2, Math.floor(width / EPOCH_LABEL_WIDTH));
  const step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000].find((s) => epochs / s <= most) ?? epochs;
  const ticks = [1];
  for (let epoch = step === 1 ? 2 : step; epoch <= epochs; epoch += step) ticks.push(epoch);
  return ticks;
}

function element(name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, name);
  setAttributes(made, attributes);
  return made;
}

function setAttributes(target: SVGElement, attributes: Record<string, string | number>): void {
  for (const [name, value] of Object.entries(attributes)) target.setAttribute(name, String(value));
}

function text(content: string, attributes: Record<string, string | number>): SVGElement {
  const made = element('text', attributes);
  made.textContent = content;
  return made;
}
