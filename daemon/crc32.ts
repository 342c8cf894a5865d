import zlib from 'node:zlib';

/** CRC-32 (ISO 3309, as in ZIP) of bytes, going on from the one of what came before them. */
export const crc32: (bytes: Uint8Array, before?: number) => number =
  // Node before 20.15 has none.
  (zlib.crc32 as typeof zlib.crc32 | undefined) ?? tableCrc32;

const POLYNOMIAL = 0xedb88320;
let table: Uint32Array | undefined;

/** The same, slower. */
export function tableCrc32(bytes: Uint8Array, before = 0): number {
  table ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
    return value;
  });
  let crc = ~before;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]) & 0xff];
  return ~crc >>> 0;
}
