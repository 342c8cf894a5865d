import type { ByteMatrix } from '../../shared/verdict.ts';
import { base64Bytes } from './base64.ts';

const decoded = new WeakMap<ByteMatrix, Uint8Array>();

/** The bytes of a matrix, row-major, row 0 the lowest frequency. */
export function matrixBytes(matrix: ByteMatrix): Uint8Array {
  const known = decoded.get(matrix);
  if (known !== undefined) return known;
  const { data, rows, columns } = matrix;
  const bytes = base64Bytes(data);
  if (bytes.length !== rows * columns) {
    throw new RangeError(`A matrix of ${rows} × ${columns} came with ${bytes.length} bytes.`);
  }
  decoded.set(matrix, bytes);
  return bytes;
}

/** The value that a byte of the matrix stands for. */
export const valueAt = ({ minimum, maximum }: ByteMatrix, byte: number): number =>
  minimum + (byte / 255) * (maximum - minimum);
