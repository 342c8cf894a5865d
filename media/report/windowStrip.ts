import { t } from '@vscode/l10n';
import type { WindowScore } from '../../shared/verdict.ts';
import { secondsTicks } from './axes.ts';
import { drawAxes, prepareCanvas } from './plot.ts';
import type { Theme } from './theme.ts';

const SHARES = [0, 0.5, 1];

/** One bar per window on a time axis of `seconds`, as high as its probability, and a line at the threshold. */
export function drawWindowStrip(
  canvas: HTMLCanvasElement,
  windows: readonly WindowScore[],
  threshold: number,
  seconds: number,
  theme: Theme,
): void {
  const { context, area } = prepareCanvas(canvas);
  const { left, top, width, height } = area;
  const edges = barEdges(windows);
  windows.forEach(({ deepfakeProbability }, i) => {
    const x = left + (edges[i] / seconds) * width;
    const barWidth = Math.max(1, ((edges[i + 1] - edges[i]) / seconds) * width - 1);
    const barHeight = Math.max(1, deepfakeProbability * height);
    const [r, g, b] = deepfakeProbability >= threshold ? theme.deepfake : theme.genuine;
    context.fillStyle = `rgb(${r} ${g} ${b})`;
    context.fillRect(x, top + height - barHeight, barWidth, barHeight);
  });
  context.strokeStyle = theme.foreground;
  context.setLineDash([4, 4]);
  context.beginPath();
  context.moveTo(left, top + height * (1 - threshold));
  context.lineTo(left + width, top + height * (1 - threshold));
  context.stroke();
  context.setLineDash([]);
  const labels = {
    x: { ticks: secondsTicks(seconds, width), title: t('seconds') },
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
