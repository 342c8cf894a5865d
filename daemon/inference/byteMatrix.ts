import type { ByteMatrix } from '../../shared/verdict.ts';

/** Quantises a row-major matrix to bytes between `minimum` and `maximum`. */
export function toByteMatrix(
  values: Float32Array,
  rows: number,
  columns: number,
  minimum: number,
  maximum: number,
): ByteMatrix {
  const scale = maximum > minimum ? 255 / (maximum - minimum) : 0;
  const bytes = Uint8Array.from(values, (value) => Math.round((value - minimum) * scale));
  return { rows, columns, minimum, maximum, data: Buffer.from(bytes.buffer).toString('base64') };
}
