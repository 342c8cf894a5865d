import type { EvidenceMap } from '../../shared/verdict.ts';
import { cut } from '../features/picture.ts';
import { toByteMatrix } from './byteMatrix.ts';

/** One window's class activation map, for `sumEvidence`. */
export interface WindowEvidence {
  /** Seconds from the beginning of the file. */
  start: number;
  /** rows × columns contributions to the window's logit, row-major, lowest frequency first. */
  map: Float32Array;
}

export interface EvidenceGeometry {
  rows: number;
  columns: number;
  /** Seconds covered by one column. */
  secondsPerColumn: number;
  /** Seconds of sound in the file. */
  duration: number;
  /** How a shorter file fills a window: repeats of it fold back onto it, silence lies outside it. */
  padding: 'zero' | 'tile';
  fmin: number;
  fmax: number;
}

/** The evidence over a whole file. */
export interface FileEvidence {
  /** rows × evidenceColumns contributions to the mean logit, row-major, lowest frequency first. */
  map: Float32Array;
  /** What the silence that a short clip was filled up with contributes. */
  outside: number;
}

/**
 * Lays the windows' maps over the file's time axis, divided by their number: the sum of the result, what lies outside included,
 * plus the linear bias is the mean logit. Exact, because the logit is a sum over the map (Zhou et al. 2016).
 */
export function sumEvidence(windows: WindowEvidence[], geometry: EvidenceGeometry): FileEvidence {
  const { rows, columns, secondsPerColumn, duration, padding } = geometry;
  const fileColumns = evidenceColumns(geometry);
  const map = new Float32Array(rows * fileColumns);
  let outside = 0;
  const sound = Math.max(duration, secondsPerColumn);
  for (const window of windows) {
    for (let column = 0; column < columns; column++) {
      const seconds = window.start + (column + 0.5) * secondsPerColumn;
      const repeated = seconds >= sound && padding === 'tile';
      const target = Math.floor((repeated ? seconds % sound : seconds) / secondsPerColumn);
      for (let row = 0; row < rows; row++) {
        const value = window.map[row * columns + column] / windows.length;
        if (target < fileColumns) map[row * fileColumns + target] += value;
        else outside += value;
      }
    }
  }
  return { map, outside };
}

/** Columns of the whole file's evidence map. */
export const evidenceColumns = ({ duration, secondsPerColumn }: EvidenceGeometry): number =>
  Math.max(1, Math.ceil(duration / secondsPerColumn));

/**
 * The evidence between two times, in seconds, for drawing in at most `most` columns: columns that share one are added up.
 * Its range is symmetric about zero: up to the strongest of the file, or of what is shown where columns share one.
 */
export function evidenceBetween(
  { map, outside }: FileEvidence,
  geometry: EvidenceGeometry,
  start: number,
  end: number,
  most: number,
): EvidenceMap {
  const { rows, secondsPerColumn, fmin, fmax } = geometry;
  const fileColumns = evidenceColumns(geometry);
  const { from, together, count } = cut(start, end, secondsPerColumn, fileColumns, most);
  const shown = new Float32Array(rows * count);
  for (let row = 0; row < rows; row++) {
    for (let column = from; column < Math.min(fileColumns, from + count * together); column++) {
      shown[row * count + Math.floor((column - from) / together)] += map[row * fileColumns + column];
    }
  }
  // At full resolution all parts of a file have one scale.
  const peak = largest(together === 1 ? map : shown);
  return {
    ...toByteMatrix(shown, rows, count, -peak, peak),
    start: from * secondsPerColumn,
    duration: count * together * secondsPerColumn,
    fmin,
    fmax,
    outside,
  };
}

const largest = (values: Float32Array): number =>
  values.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0);
