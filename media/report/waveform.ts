import type { WaveformImage } from '../../shared/verdict.ts';
import { base64Bytes } from './base64.ts';
import type { PlotArea } from './plot.ts';
import type { Theme } from './theme.ts';
import { span, type TimeView } from './timeView.ts';

/** The lowest and the highest sample of each column, in [−1, 1]. */
export function waveformPeaks({ peaks, columns }: WaveformImage): Float32Array {
  const bytes = new Int8Array(base64Bytes(peaks).buffer);
  if (bytes.length !== 2 * columns) {
    throw new RangeError(`A waveform of ${columns} columns came with ${bytes.length} bytes.`);
  }
  return Float32Array.from(bytes, (byte) => byte / 127);
}

/** A column of the screen per pixel, from its lowest to its highest sample, as high as the loudest of the file. */
export function drawWaveform(
  context: CanvasRenderingContext2D,
  { left, top, width, height }: PlotArea,
  waveform: WaveformImage,
  view: TimeView,
  scale: number,
  theme: Theme,
): void {
  const peaks = waveformPeaks(waveform);
  const middle = top + height / 2;
  const half = (height / 2 - 1) / (scale || 1);
  const secondsPerPixel = span(view) / width;
  context.fillStyle = theme.quiet;
  for (let x = 0; x < width; x++) {
    const from = (view.start + x * secondsPerPixel - waveform.start) / waveform.secondsPerColumn;
    const first = Math.max(0, Math.floor(from));
    const last = Math.min(
      waveform.columns - 1,
      Math.max(first, Math.ceil(from + secondsPerPixel / waveform.secondsPerColumn) - 1),
    );
    let lowest = 0;
    let highest = 0;
    for (let column = first; column <= last; column++) {
      lowest = Math.min(lowest, peaks[2 * column]);
      highest = Math.max(highest, peaks[2 * column + 1]);
    }
    if (first > last) continue;
    context.fillRect(left + x, middle - highest * half, 1, Math.max(1, (highest - lowest) * half));
  }
  context.fillStyle = theme.line;
  context.fillRect(left, middle, width, 1);
}
