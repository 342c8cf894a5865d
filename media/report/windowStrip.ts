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
  windows.forEach((window, i) => {
    // Windows overlap: a bar stands for the time from its window's start to the next one's.
    const end = windows[i + 1]?.start ?? window.end;
    const x = left + (window.start / seconds) * width;
    const barWidth = Math.max(1, (Math.min(end, window.end) - window.start) * (width / seconds) - 1);
    const barHeight = Math.max(1, window.deepfakeProbability * height);
    const [r, g, b] = window.deepfakeProbability >= threshold ? theme.deepfake : theme.genuine;
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
    x: { ticks: secondsTicks(seconds, width), title: 'seconds' },
    y: { ticks: SHARES.map((share) => ({ position: share, label: `${100 * share} %` })), title: '' },
  };
  drawAxes(context, area, labels, theme);
}
