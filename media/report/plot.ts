import { MARGIN, type Tick } from './axes.ts';
import type { Theme } from './theme.ts';

/** The part of a canvas inside the axes, in CSS pixels. */
export interface PlotArea {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Sizes a canvas to its box on screen, cleared, with CSS pixels as units. */
export function prepareCanvas(canvas: HTMLCanvasElement): {
  context: CanvasRenderingContext2D;
  area: PlotArea;
} {
  const { clientWidth, clientHeight } = canvas;
  const scale = window.devicePixelRatio;
  canvas.width = Math.round(clientWidth * scale);
  canvas.height = Math.round(clientHeight * scale);
  const context = canvas.getContext('2d')!;
  context.scale(scale, scale);
  return { context, area: plotArea(clientWidth, clientHeight) };
}

/** Draws inside the area only. */
export function clipped(context: CanvasRenderingContext2D, area: PlotArea, draw: () => void): void {
  context.save();
  context.beginPath();
  context.rect(area.left, area.top, area.width, area.height);
  context.clip();
  draw();
  context.restore();
}

export function plotArea(width: number, height: number): PlotArea {
  return {
    left: MARGIN.left,
    top: MARGIN.top,
    width: Math.max(1, width - MARGIN.left - MARGIN.right),
    height: Math.max(1, height - MARGIN.top - MARGIN.bottom),
  };
}

export interface AxisLabels {
  x: { ticks: Tick[]; title: string };
  y: { ticks: Tick[]; title: string };
}

/** Frame, ticks and labels around a plot. */
export function drawAxes(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  labels: AxisLabels,
  theme: Theme,
): void {
  const { left, top, width, height } = area;
  const bottom = top + height;
  context.font = theme.font;
  context.strokeStyle = theme.line;
  context.fillStyle = theme.quiet;
  context.lineWidth = 1;
  context.strokeRect(left - 0.5, top - 0.5, width + 1, height + 1);
  context.textBaseline = 'top';
  const titleWidth = context.measureText(labels.x.title).width;
  for (const { position, label } of labels.x.ticks) {
    const x = left + position * width;
    tickLine(context, x, bottom, 0, 4);
    const half = context.measureText(label).width / 2;
    // The end of the axis belongs to its title.
    if (x + half > left + width - titleWidth - 8) continue;
    context.textAlign = 'center';
    context.fillText(label, x, bottom + 7);
  }
  context.textAlign = 'right';
  context.fillText(labels.x.title, left + width, bottom + 7);
  context.textBaseline = 'middle';
  for (const { position, label } of labels.y.ticks) {
    const y = bottom - position * height;
    tickLine(context, left, y, -4, 0);
    context.fillText(label, left - 8, Math.min(Math.max(y, top + 6), bottom - 6));
  }
  context.save();
  context.translate(12, top + height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = 'center';
  context.fillText(labels.y.title, 0, 0);
  context.restore();
}

function tickLine(context: CanvasRenderingContext2D, x: number, y: number, dx: number, dy: number): void {
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + dx, y + dy);
  context.stroke();
}
