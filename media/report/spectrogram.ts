import { t } from '@vscode/l10n';
import type { EvidenceMap, SpectrogramImage } from '../../shared/verdict.ts';
import { hertzTicks, secondsTicks } from './axes.ts';
import { matrixBytes, valueAt } from './byteMatrix.ts';
import { drawAxes, type PlotArea, prepareCanvas } from './plot.ts';
import type { Theme } from './theme.ts';

/** Exponent that keeps the quiet half of the decibels from filling the picture with middle grey. */
const CONTRAST = 1.6;
const THUMBNAIL_EVIDENCE_OPACITY = 0.55;

export interface SpectrogramView {
  spectrogram: SpectrogramImage;
  evidence?: EvidenceMap;
  /** Opacity of the strongest evidence in [0, 1]. */
  evidenceOpacity: number;
  /** Seconds on the time axis. */
  seconds: number;
}

/** Loudness as grey, so that colour means nothing but evidence; above it the evidence, time and frequency axes. */
export function drawSpectrogram(canvas: HTMLCanvasElement, view: SpectrogramView, theme: Theme): void {
  const { context, area } = prepareCanvas(canvas);
  const { spectrogram, evidence, evidenceOpacity, seconds } = view;
  const { secondsPerColumn, columns } = spectrogram;
  context.save();
  context.beginPath();
  context.rect(area.left, area.top, area.width, area.height);
  context.clip();
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = 'high';
  // Column c is centred at c · secondsPerColumn.
  const start = -secondsPerColumn / 2;
  drawOnTimeAxis(
    context,
    loudnessPicture(spectrogram, theme),
    start,
    start + columns * secondsPerColumn,
    seconds,
    area,
  );
  if (evidence !== undefined && evidenceOpacity > 0) {
    context.globalAlpha = evidenceOpacity;
    drawOnTimeAxis(context, evidencePicture(evidence, theme), 0, evidence.duration, seconds, area);
  }
  context.restore();
  const labels = {
    x: { ticks: secondsTicks(seconds, area.width), title: t('seconds') },
    y: { ticks: hertzTicks(spectrogram.frequencies, area.height), title: t('hertz') },
  };
  drawAxes(context, area, labels, theme);
}

/** Loudness and evidence in the whole of a small canvas, without axes. */
export function drawThumbnail(
  canvas: HTMLCanvasElement,
  spectrogram: SpectrogramImage,
  evidence: EvidenceMap | undefined,
  theme: Theme,
): void {
  const { context } = prepareCanvas(canvas);
  const area = { left: 0, top: 0, width: canvas.clientWidth, height: canvas.clientHeight };
  const seconds = spectrogram.columns * spectrogram.secondsPerColumn;
  drawOnTimeAxis(context, loudnessPicture(spectrogram, theme), 0, seconds, seconds, area);
  if (evidence === undefined) return;
  context.globalAlpha = THUMBNAIL_EVIDENCE_OPACITY;
  drawOnTimeAxis(context, evidencePicture(evidence, theme), 0, evidence.duration, seconds, area);
}

function drawOnTimeAxis(
  context: CanvasRenderingContext2D,
  picture: OffscreenCanvas,
  start: number,
  end: number,
  seconds: number,
  { left, top, width, height }: PlotArea,
): void {
  const x = left + (start / seconds) * width;
  context.drawImage(picture, x, top, ((end - start) / seconds) * width, height);
}

/** One pixel per value: loud is bright on dark themes, dark on light ones. */
function loudnessPicture(spectrogram: SpectrogramImage, { dark }: Theme): OffscreenCanvas {
  const bytes = matrixBytes(spectrogram);
  return picture(spectrogram, (pixels, target, source) => {
    const loudness = (bytes[source] / 255) ** CONTRAST;
    const grey = dark ? 16 + 235 * loudness : 255 - 235 * loudness;
    pixels[target] = pixels[target + 1] = pixels[target + 2] = grey;
    pixels[target + 3] = 255;
  });
}

/** The colour says which class a region speaks for, its opacity how strongly. */
function evidencePicture(evidence: EvidenceMap, theme: Theme): OffscreenCanvas {
  const bytes = matrixBytes(evidence);
  const strongest = Math.max(Math.abs(evidence.minimum), Math.abs(evidence.maximum)) || 1;
  return picture(evidence, (pixels, target, source) => {
    const value = valueAt(evidence, bytes[source]);
    pixels.set(value > 0 ? theme.deepfake : theme.genuine, target);
    pixels[target + 3] = 255 * Math.min(1, Math.abs(value) / strongest);
  });
}

/** A picture with a matrix's lowest row at the bottom. */
function picture(
  { rows, columns }: { rows: number; columns: number },
  paint: (pixels: Uint8ClampedArray, target: number, source: number) => void,
): OffscreenCanvas {
  const canvas = new OffscreenCanvas(columns, rows);
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      paint(image.data, 4 * ((rows - 1 - row) * columns + column), row * columns + column);
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
