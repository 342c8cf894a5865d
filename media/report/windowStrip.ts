import type { WindowScore } from '../../shared/verdict.ts';
import { timeAxis } from './axes.ts';
import { clipped, drawAxes, type PlotArea } from './plot.ts';
import type { Theme } from './theme.ts';
import { span, type TimeView } from './timeView.ts';

const SHARES = [0, 0.5, 1];

/** One bar per window, as high as its probability, and a line at the threshold. */
export function drawWindowStrip(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  windows: readonly WindowScore[],
  threshold: number,
  view: TimeView,
  theme: Theme,
): void {
  const { left, top, width, height } = area;
  const edges = barEdges(windows);
  const x = (seconds: number) => left + ((seconds - view.start) / span(view)) * width;
  clipped(context, area, () => {
    windows.forEach(({ start, end, deepfakeProbability }, i) => {
      // Beyond the window itself lies silence that was not scored.
      const from = x(Math.max(start, edges[i]));
      const to = x(Math.min(end, edges[i + 1]));
      const barHeight = Math.max(1, deepfakeProbability * height);
      const [r, g, b] = deepfakeProbability >= threshold ? theme.deepfake : theme.genuine;
      context.fillStyle = `rgb(${r} ${g} ${b})`;
      context.fillRect(from, top + height - barHeight, Math.max(1, to - from - 1), barHeight);
    });
    context.strokeStyle = theme.foreground;
    context.setLineDash([4, 4]);
    context.beginPath();
    context.moveTo(left, top + height * (1 - threshold));
    context.lineTo(left + width, top + height * (1 - threshold));
    context.stroke();
  });
  const labels = {
    x: timeAxis(view, width),
    y: { ticks: SHARES.map((share) => ({ position: share, label: `${100 * share} %` })), title: '' },
  };
  drawAxes(context, area, labels, theme);
}

/** Seconds at which bars meet: windows overlap, so each stands for the time nearest to its centre. */
export function barEdges(windows: readonly WindowScore[]): number[] {
  const centre = ({ start, end }: WindowScore) => (start + end) / 2;
  const between = windows.slice(1).map((window, i) => (centre(windows[i]) + centre(window)) / 2);
  return [windows[0].start, ...between, windows[windows.length - 1].end];
}
