import type { StateDict } from './audioCnn.ts';

/** Bytes of the little-endian header length. */
const LENGTH_BYTES = 8;
/** safetensors' own limit for headers is 100 MB; ours hold a few kilobytes. */
const MAX_HEADER_BYTES = 1 << 20;

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/**
 * Writes tensors in the safetensors format (https://github.com/huggingface/safetensors): u64 header length, JSON header, data.
 * Float32 throughout; `counters` become int64 scalars (PyTorch's `num_batches_tracked`).
 */
export function writeSafetensors(state: StateDict, counters: Map<string, number>): Uint8Array {
  const header: Record<string, HeaderEntry> = {};
  const parts: Uint8Array[] = [];
  let offset = 0;
  const append = (name: string, dtype: string, shape: number[], bytes: Uint8Array) => {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    parts.push(bytes);
    offset += bytes.length;
  };
  // 8-byte values first, so that every tensor is aligned to its element size.
  for (const [name, count] of counters) {
    append(name, 'I64', [], new Uint8Array(BigInt64Array.of(BigInt(count)).buffer));
  }
  for (const [name, { shape, data }] of state) {
    append(name, 'F32', shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  const json = JSON.stringify(header);
  const padded = Buffer.from(json.padEnd(Math.ceil(json.length / LENGTH_BYTES) * LENGTH_BYTES, ' '));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, ...parts]);
}

/** Reads the float32 tensors of a safetensors file; int64 scalars are left out. Throws RangeError on anything malformed. */
export function readSafetensors(bytes: Uint8Array): StateDict {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < LENGTH_BYTES) throw new RangeError('the file is too short');
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > MAX_HEADER_BYTES || LENGTH_BYTES + headerLength > bytes.length) {
    throw new RangeError('it is not a safetensors file');
  }
  const dataStart = LENGTH_BYTES + headerLength;
  const data = bytes.subarray(dataStart);
  let header: unknown;
  try {
    header = JSON.parse(Buffer.from(bytes.subarray(LENGTH_BYTES, dataStart)).toString('utf8'));
  } catch {
    throw new RangeError('its header is not JSON');
  }
  if (typeof header !== 'object' || header === null) throw new RangeError('its header is not an object');

  const state: StateDict = new Map();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__' || (isEntry(entry) && entry.dtype === 'I64' && entry.shape.length === 0))
      continue;
    if (!isEntry(entry)) throw new RangeError(`its entry ${name} is malformed`);
    if (entry.dtype !== 'F32') throw new RangeError(`tensor ${name} is ${entry.dtype}, not F32`);
    const [start, end] = entry.data_offsets;
    const count = entry.shape.reduce((product, size) => product * size, 1);
    if (start > end || end > data.length || end - start !== count * 4) {
      throw new RangeError(`tensor ${name} does not fit the file`);
    }
    state.set(name, {
      shape: entry.shape,
      data: new Float32Array(Uint8Array.from(data.subarray(start, end)).buffer),
    });
  }
  return state;
}

function isEntry(value: unknown): value is HeaderEntry {
  const entry = value as HeaderEntry;
  const isSize = (size: unknown) => Number.isSafeInteger(size) && (size as number) >= 0;
  return (
    typeof entry === 'object' &&
    entry !== null &&
    typeof entry.dtype === 'string' &&
    Array.isArray(entry.shape) &&
    entry.shape.every(isSize) &&
    Array.isArray(entry.data_offsets) &&
    entry.data_offsets.length === 2 &&
    entry.data_offsets.every(isSize)
  );
}
