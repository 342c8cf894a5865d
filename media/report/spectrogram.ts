import { t } from '@vscode/l10n';
import type { ByteMatrix, EvidenceMap, SpectrogramImage } from '../../shared/verdict.ts';
import { hertzTicks, timeAxis } from './axes.ts';
import { matrixBytes, valueAt } from './byteMatrix.ts';
import { clipped, drawAxes, type PlotArea, prepareCanvas } from './plot.ts';
import type { Theme } from './theme.ts';
import { span, type TimeView, wholeView } from './timeView.ts';

/** Exponent that keeps the quiet half of the decibels from filling the picture with middle grey. */
const CONTRAST = 1.6;
const THUMBNAIL_EVIDENCE_OPACITY = 0.55;

/**
 * Loudness as grey, so that colour means nothing but evidence; above it the evidence, around it time and frequency axes.
 * @param evidenceOpacity Of the strongest evidence, in [0, 1].
 */
export function drawSpectrogram(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  spectrogram: SpectrogramImage,
  evidence: EvidenceMap | undefined,
  view: TimeView,
  evidenceOpacity: number,
  theme: Theme,
): void {
  const { start, secondsPerColumn, columns, frequencies } = spectrogram;
  clipped(context, area, () => {
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = 'high';
    // A column is centred at its time.
    const left = start - secondsPerColumn / 2;
    const right = left + columns * secondsPerColumn;
    drawOnTimeAxis(context, loudnessPicture(spectrogram, theme), left, right, view, area);
    if (evidence === undefined || evidenceOpacity === 0) return;
    context.globalAlpha = evidenceOpacity;
    const end = evidence.start + evidence.duration;
    drawOnTimeAxis(context, evidencePicture(evidence, theme), evidence.start, end, view, area);
  });
  const labels = {
    x: timeAxis(view, area.width),
    y: { ticks: hertzTicks(frequencies, area.height), title: t('hertz') },
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
  const whole = wholeView(seconds);
  drawOnTimeAxis(context, loudnessPicture(spectrogram, theme), 0, seconds, whole, area);
  if (evidence === undefined) return;
  context.globalAlpha = THUMBNAIL_EVIDENCE_OPACITY;
  drawOnTimeAxis(context, evidencePicture(evidence, theme), 0, evidence.duration, whole, area);
}

function drawOnTimeAxis(
  context: CanvasRenderingContext2D,
  picture: OffscreenCanvas,
  start: number,
  end: number,
  view: TimeView,
  { left, top, width, height }: PlotArea,
): void {
  const x = left + ((start - view.start) / span(view)) * width;
  context.drawImage(picture, x, top, ((end - start) / span(view)) * width, height);
}

/** One pixel per value: loud is bright on dark themes, dark on light ones. */
function loudnessPicture(spectrogram: SpectrogramImage, { dark }: Theme): OffscreenCanvas {
  const bytes = matrixBytes(spectrogram);
  return picture(spectrogram, dark, (pixels, target, source) => {
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
  return picture(evidence, theme.dark, (pixels, target, source) => {
    const value = valueAt(evidence, bytes[source]);
    pixels.set(value > 0 ? theme.deepfake : theme.genuine, target);
    pixels[target + 3] = 255 * Math.min(1, Math.abs(value) / strongest);
  });
}

/** The pictures of a matrix on light and on dark themes, as long as the matrix is in use. */
const pictures = new WeakMap<ByteMatrix, Map<boolean, OffscreenCanvas>>();

/** A picture with a matrix's lowest row at the bottom. */
function picture(
  matrix: ByteMatrix,
  dark: boolean,
  paint: (pixels: Uint8ClampedArray, target: number, source: number) => void,
): OffscreenCanvas {
  const known = pictures.get(matrix) ?? new Map<boolean, OffscreenCanvas>();
  pictures.set(matrix, known);
  const painted = known.get(dark);
  if (painted !== undefined) return painted;
  const { rows, columns } = matrix;
  const canvas = new OffscreenCanvas(columns, rows);
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      paint(image.data, 4 * ((rows - 1 - row) * columns + column), row * columns + column);
    }
  }
  context.putImageData(image, 0, 0);
  known.set(dark, canvas);
  return canvas;
}
