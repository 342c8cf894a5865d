import { zipSync } from 'fflate';

/** Pickle opcodes that PyTorch's checkpoints use, and some that an attacker would. */
export const pickle = {
  protocol: (version: number) => Uint8Array.of(0x80, version),
  global: (module: string, name: string) => ascii(`c${module}\n${name}\n`),
  stackGlobal: (module: string, name: string) => bytes(pickle.text(module), pickle.text(name), '\x93'),
  text: (value: string) => bytes('X', uint32(Buffer.byteLength(value)), Buffer.from(value)),
  integer: (value: number) => bytes('J', uint32(value)),
  /** Eight bytes, little-endian. */
  long: (value: bigint) => bytes('\x8a\x08', new Uint8Array(BigInt64Array.of(value).buffer)),
  tuple: (...items: Uint8Array[]) => bytes('(', ...items, 't'),
  list: (...items: Uint8Array[]) => bytes('](', ...items, 'e'),
  dictionary: (...items: Uint8Array[]) => bytes('}(', ...items, 'u'),
  call: (callable: Uint8Array, args: Uint8Array) => bytes(callable, args, 'R'),
  construct: (callable: Uint8Array, args: Uint8Array) => bytes(callable, args, '\x81'),
  /** `object.__setstate__(state)`. */
  build: (object: Uint8Array, state: Uint8Array) => bytes(object, state, 'b'),
  persistent: (id: Uint8Array) => bytes(id, 'Q'),
  instance: (module: string, name: string, ...args: Uint8Array[]) =>
    bytes('(', ...args, `i${module}\n${name}\n`),
  false: ascii('\x89'),
  none: ascii('N'),
  stop: ascii('.'),
};

export function bytes(...parts: (string | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts.map((part) => (typeof part === 'string' ? ascii(part) : part))));
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

function uint32(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value | 0).buffer);
}

const orderedDict = pickle.call(pickle.global('collections', 'OrderedDict'), pickle.tuple());

export interface TensorFields {
  /** Name of its storage. */
  storage?: string;
  storageClass?: Uint8Array;
  offset?: Uint8Array;
  shape: Uint8Array;
  stride: Uint8Array;
}

/** A tensor as torch.save writes it. */
export function torchTensor({
  storage = '0',
  storageClass,
  offset,
  shape,
  stride,
}: TensorFields): Uint8Array {
  const type = storageClass ?? pickle.global('torch', 'FloatStorage');
  const id = pickle.tuple(
    pickle.text('storage'),
    type,
    pickle.text(storage),
    pickle.text('cpu'),
    pickle.integer(1),
  );
  const args = pickle.tuple(
    pickle.persistent(id),
    offset ?? pickle.integer(0),
    shape,
    stride,
    pickle.false,
    orderedDict,
  );
  return pickle.call(pickle.global('torch._utils', '_rebuild_tensor_v2'), args);
}

export const integers = (...values: number[]): Uint8Array => pickle.tuple(...values.map(pickle.integer));

/** A checkpoint file around an object's pickle. */
export function torchFile(root: Uint8Array, storages: Record<string, Uint8Array> = {}): Uint8Array {
  const entries = {
    'archive/data.pkl': bytes(pickle.protocol(2), root, pickle.stop),
    'archive/byteorder': Buffer.from('little'),
    ...Object.fromEntries(Object.entries(storages).map(([key, data]) => [`archive/data/${key}`, data])),
    'archive/version': Buffer.from('3\n'),
  };
  // The same bytes whenever it is made.
  return zipSync(entries, { mtime: new Date(1980, 0, 2) });
}

/** A state_dict of tensors with their storages. */
export function torchStateDict(tensors: Record<string, { shape: number[]; data: Float32Array }>): {
  root: Uint8Array;
  storages: Record<string, Uint8Array>;
} {
  const storages: Record<string, Uint8Array> = {};
  const items = Object.entries(tensors).flatMap(([name, { shape, data }], index) => {
    storages[index] = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const stride = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
    const fields = { storage: String(index), shape: integers(...shape), stride: integers(...stride) };
    return [pickle.text(name), torchTensor(fields)];
  });
  return { root: bytes(orderedDict, '(', ...items, 'u'), storages };
}
