import type { StateDict } from './audioCnn.ts';

/** Bytes of the little-endian header length. */
const LENGTH_BYTES = 8;
/** safetensors' own limit for headers is 100 MB; ours hold a few kilobytes. */
const MAX_HEADER_BYTES = 1 << 20;
/** The header's entry of free text. */
const METADATA = '__metadata__';

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** A tensor as it lies in a file: little-endian, row-major. */
export interface StoredTensor {
  dtype: string;
  shape: number[];
  bytes: Uint8Array;
}

/** A safetensors file: tensors by name, and text by name. */
export interface SafetensorsFile {
  tensors: Map<string, StoredTensor>;
  metadata: Record<string, string>;
}

/**
 * Writes the safetensors format (https://github.com/huggingface/safetensors): u64 header length, JSON header, data. Tensors of
 * 8-byte elements must come first, so that every tensor is aligned to its element size.
 */
export function packSafetensors({ tensors, metadata }: SafetensorsFile): Uint8Array {
  const header: Record<string, HeaderEntry | Record<string, string>> = {};
  if (Object.keys(metadata).length > 0) header[METADATA] = metadata;
  let offset = 0;
  for (const [name, { dtype, shape, bytes }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padding = Buffer.alloc(-json.length & (LENGTH_BYTES - 1), ' ');
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(json.length + padding.length));
  return Buffer.concat([length, json, padding, ...Array.from(tensors.values(), ({ bytes }) => bytes)]);
}

/** The inverse of `packSafetensors`; `bytes` of the tensors are parts of those given. Throws RangeError on anything malformed. */
export function unpackSafetensors(bytes: Uint8Array): SafetensorsFile {
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

  const tensors = new Map<string, StoredTensor>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === METADATA) {
      if (!isText(entry)) throw new RangeError('its metadata is malformed');
      metadata = entry;
      continue;
    }
    if (!isEntry(entry)) throw new RangeError(`its entry ${name} is malformed`);
    const [start, end] = entry.data_offsets;
    if (start > end || end > data.length) throw new RangeError(`tensor ${name} does not fit the file`);
    tensors.set(name, { dtype: entry.dtype, shape: entry.shape, bytes: data.subarray(start, end) });
  }
  return { tensors, metadata };
}

/** A float32 tensor to store. */
export const float32Tensor = (data: Float32Array, shape = [data.length]): StoredTensor => ({
  dtype: 'F32',
  shape,
  bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
});

/** A float64 vector to store. */
export const float64Tensor = (data: Float64Array): StoredTensor => ({
  dtype: 'F64',
  shape: [data.length],
  bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
});

/** A copy of a stored tensor's float32 values. Throws RangeError where it holds something else. */
export const float32Values = (name: string, tensor: StoredTensor): Float32Array =>
  new Float32Array(checkedCopy(name, tensor, 'F32', Float32Array.BYTES_PER_ELEMENT));

/** A copy of a stored tensor's float64 values. Throws RangeError where it holds something else. */
export const float64Values = (name: string, tensor: StoredTensor): Float64Array =>
  new Float64Array(checkedCopy(name, tensor, 'F64', Float64Array.BYTES_PER_ELEMENT));

function checkedCopy(
  name: string,
  { dtype, shape, bytes }: StoredTensor,
  expected: string,
  elementBytes: number,
): ArrayBuffer {
  if (dtype !== expected) throw new RangeError(`tensor ${name} is ${dtype}, not ${expected}`);
  const count = shape.reduce((product, size) => product * size, 1);
  if (bytes.length !== count * elementBytes) throw new RangeError(`tensor ${name} does not fit the file`);
  return Uint8Array.from(bytes).buffer;
}

/** A state as a safetensors file: float32 throughout; `counters` become int64 scalars (PyTorch's `num_batches_tracked`). */
export function writeSafetensors(state: StateDict, counters: Map<string, number>): Uint8Array {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, count] of counters) {
    const bytes = new Uint8Array(BigInt64Array.of(BigInt(count)).buffer);
    tensors.set(name, { dtype: 'I64', shape: [], bytes });
  }
  for (const [name, { shape, data }] of state) tensors.set(name, float32Tensor(data, shape));
  return packSafetensors({ tensors, metadata: {} });
}

/** Reads the float32 tensors of a safetensors file; int64 scalars are left out. Throws RangeError on anything malformed. */
export function readSafetensors(bytes: Uint8Array): StateDict {
  const state: StateDict = new Map();
  for (const [name, tensor] of unpackSafetensors(bytes).tensors) {
    if (tensor.dtype === 'I64' && tensor.shape.length === 0) continue;
    state.set(name, { shape: tensor.shape, data: float32Values(name, tensor) });
  }
  return state;
}

const isText = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((text) => typeof text === 'string');

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
