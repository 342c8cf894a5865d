import type {
  EvidenceMap,
  Pictures,
  SpectrogramImage,
  WaveformImage,
  WindowScore,
} from '../../shared/verdict.ts';
import { byId } from '../elements.ts';
import { MARGIN } from './axes.ts';
import { type PlotArea, plotArea, prepareCanvas } from './plot.ts';
import { drawSpectrogram } from './spectrogram.ts';
import type { Theme } from './theme.ts';
import { isWhole, type TimeView } from './timeView.ts';
import { drawWaveform, waveformPeaks } from './waveform.ts';
import { drawWindowStrip } from './windowStrip.ts';

/** What is drawn of a file, as far as it is known. */
export interface Drawn {
  /** Seconds on the time axis. */
  duration: number;
  spectrogram: SpectrogramImage;
  waveform: WaveformImage;
  evidence?: EvidenceMap;
  windows: readonly WindowScore[];
  threshold: number;
}

/** All that is painted, but for the part in view and the colours. */
export interface PlotContents {
  drawn: Drawn;
  /** Finer pictures of a part. */
  detail: Pictures | undefined;
  /** Of the strongest evidence, in [0, 1]. */
  evidenceOpacity: number;
}

/** Heights in a saved picture, in CSS pixels. */
const SAVED_HEIGHT = { waveform: 72, spectrogram: 330, windows: 140 };
const SAVED_PIXELS_PER_PIXEL = 2;
const WEBP_QUALITY = 0.9;

/** Paints waveform, spectrogram and, where there are several, windows on the page's canvases. */
export function paintPage(contents: PlotContents, view: TimeView, theme: Theme): void {
  const waveform = prepareCanvas(byId<HTMLCanvasElement>('waveform'));
  paintWaveform(waveform.context, waveformArea(waveform.area), contents, view, theme);
  const spectrogram = prepareCanvas(byId<HTMLCanvasElement>('spectrogram'));
  paintSpectrogram(spectrogram.context, spectrogram.area, contents, view, theme);
  if (contents.drawn.windows.length > 1) {
    const windows = prepareCanvas(byId<HTMLCanvasElement>('windows'));
    paintWindows(windows.context, windows.area, contents, view, theme);
  }
}

/**
 * Paints the plots one below the other; gives them as a data URL.
 * @param width CSS pixels; there are two pixels to one.
 * @param format WebP takes a tenth of the space.
 * @param head CSS pixels left free above, painted by `paintHead`.
 */
export function paintForSaving(
  contents: PlotContents,
  view: TimeView,
  theme: Theme,
  width: number,
  format: 'image/png' | 'image/webp',
  head: number,
  paintHead: (context: CanvasRenderingContext2D) => void,
): string {
  const hasWindows = contents.drawn.windows.length > 1;
  const { waveform, spectrogram } = SAVED_HEIGHT;
  const windows = hasWindows ? SAVED_HEIGHT.windows : 0;
  const height = head + waveform + spectrogram + windows;
  const canvas = document.createElement('canvas');
  canvas.width = SAVED_PIXELS_PER_PIXEL * width;
  canvas.height = SAVED_PIXELS_PER_PIXEL * height;
  const context = canvas.getContext('2d')!;
  context.scale(SAVED_PIXELS_PER_PIXEL, SAVED_PIXELS_PER_PIXEL);
  context.fillStyle = theme.background;
  context.fillRect(0, 0, width, height);
  paintHead(context);
  context.translate(0, head);
  paintWaveform(context, waveformArea(plotArea(width, waveform)), contents, view, theme);
  context.translate(0, waveform);
  paintSpectrogram(context, plotArea(width, spectrogram), contents, view, theme);
  context.translate(0, spectrogram);
  if (hasWindows) paintWindows(context, plotArea(width, windows), contents, view, theme);
  return canvas.toDataURL(format, WEBP_QUALITY);
}

function paintWaveform(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  { drawn: { waveform }, detail }: PlotContents,
  view: TimeView,
  theme: Theme,
): void {
  const scale = waveformPeaks(waveform).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const detailed = detail !== undefined && covers(detail, view) ? detail.waveform : waveform;
  drawWaveform(context, area, detailed, view, scale, theme);
}

function paintSpectrogram(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  { drawn, detail, evidenceOpacity }: PlotContents,
  view: TimeView,
  theme: Theme,
): void {
  const isDetailed = detail !== undefined && covers(detail, view) && !isWhole(view, drawn.duration);
  const { spectrogram, evidence } = isDetailed ? detail : drawn;
  drawSpectrogram(context, area, spectrogram, evidence, view, evidenceOpacity, theme);
}

function paintWindows(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  { drawn: { windows, threshold } }: PlotContents,
  view: TimeView,
  theme: Theme,
): void {
  drawWindowStrip(context, area, windows, threshold, view, theme);
}

/** The waveform has no axes below it. */
const waveformArea = ({ left, top, width, height }: PlotArea): PlotArea => ({
  left,
  top,
  width,
  height: height + MARGIN.bottom - 6,
});

/** Whether pictures of a part reach over a view. */
export function covers(
  { waveform: { start, columns, secondsPerColumn } }: Pictures,
  view: TimeView,
): boolean {
  return start <= view.start + secondsPerColumn && start + (columns + 1) * secondsPerColumn >= view.end;
}
