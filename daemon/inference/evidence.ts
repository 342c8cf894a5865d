import type { EvidenceMap } from '../../shared/verdict.ts';
import { toByteMatrix } from './byteMatrix.ts';

/** One window's class activation map, for `EvidenceSum`. */
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
  /** Seconds of sound in the file; windows that repeat a shorter file fold back onto it. */
  duration: number;
  fmin: number;
  fmax: number;
}

/**
 * Lays the windows' maps over the file's time axis, divided by their number: the sum of the result plus the linear bias is
 * the mean logit. Exact, because the logit is a sum over the map (Zhou et al. 2016).
 */
export function sumEvidence(windows: WindowEvidence[], geometry: EvidenceGeometry): Float32Array {
  const { rows, columns, secondsPerColumn, duration } = geometry;
  const fileColumns = evidenceColumns(geometry);
  const total = new Float32Array(rows * fileColumns);
  for (const { start, map } of windows) {
    for (let column = 0; column < columns; column++) {
      const seconds = (start + (column + 0.5) * secondsPerColumn) % Math.max(duration, secondsPerColumn);
      const target = Math.min(fileColumns - 1, Math.floor(seconds / secondsPerColumn));
      for (let row = 0; row < rows; row++) {
        total[row * fileColumns + target] += map[row * columns + column] / windows.length;
      }
    }
  }
  return total;
}

/** Columns of the whole file's evidence map. */
export const evidenceColumns = ({ duration, secondsPerColumn }: EvidenceGeometry): number =>
  Math.max(1, Math.ceil(duration / secondsPerColumn));

/** The map of `sumEvidence`, cut to the first `seconds` and made ready for drawing. */
export function evidenceImage(total: Float32Array, geometry: EvidenceGeometry, seconds: number): EvidenceMap {
  const { rows, secondsPerColumn, fmin, fmax } = geometry;
  const fileColumns = evidenceColumns(geometry);
  const shown = Math.min(fileColumns, Math.ceil(seconds / secondsPerColumn));
  const cut = new Float32Array(rows * shown);
  for (let row = 0; row < rows; row++) {
    cut.set(total.subarray(row * fileColumns, row * fileColumns + shown), row * shown);
  }
  const peak = cut.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const matrix = toByteMatrix(cut, rows, shown, -peak, peak);
  return { ...matrix, duration: shown * secondsPerColumn, fmin, fmax };
}
