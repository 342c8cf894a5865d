import { unzipSync } from 'fflate';
import { Parser } from 'pickleparser';
import { elementCount, type StateDict, type Tensor } from './audioCnn.ts';

/** Checkpoints of compact networks; anything larger is not one. */
const MAX_UNPACKED_BYTES = 256 << 20;
/** An archive may claim to have billions of entries. */
const MAX_ENTRIES = 10_000;

interface Storage {
  kind: 'float' | 'long';
  bytes: Uint8Array;
}

const STORAGE_KINDS: Record<string, Storage['kind']> = { FloatStorage: 'float', LongStorage: 'long' };

/**
 * Reads the float32 tensors of a PyTorch checkpoint (zip of a pickle and raw little-endian storages) without executing it:
 * only `OrderedDict`, tensor rebuilding and float or long storages are understood; any other name in the pickle is refused.
 * A state_dict one level down (`state_dict`, `model_state_dict`, `model`) is found. Throws RangeError with the reason.
 */
export function readTorchCheckpoint(file: Uint8Array): StateDict {
  const entries = unzip(file);
  const pickleName = [...entries.keys()].find((name) => name === 'data.pkl' || name.endsWith('/data.pkl'));
  if (pickleName === undefined) throw new RangeError('it is not a PyTorch checkpoint (no data.pkl inside)');
  const folder = pickleName.slice(0, -'data.pkl'.length);
  const byteOrder = entries.get(`${folder}byteorder`);
  if (byteOrder !== undefined && Buffer.from(byteOrder).toString() !== 'little') {
    throw new RangeError('its numbers are big-endian, which is not supported');
  }

  let rebuiltBytes = 0;
  const rebuild = (...fields: Parameters<typeof rebuildTensor>) => {
    const tensor = rebuildTensor(...fields);
    rebuiltBytes += tensor?.data.byteLength ?? 0;
    if (rebuiltBytes > MAX_UNPACKED_BYTES) throw new RangeError('its tensors take more than 256 MB');
    return tensor;
  };
  const parser = new Parser({
    unpicklingTypeOfDictionary: 'Map',
    nameResolver: { resolve: (module: string, name: string) => resolveName(module, name, rebuild) },
    persistentResolver: { resolve: (id: unknown) => resolveStorage(id, entries, folder) },
  });
  let root: unknown;
  try {
    root = parser.parse(entries.get(pickleName) as Uint8Array);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new RangeError('its pickle could not be read', { cause: error });
  }
  return tensorsOf(findStateDict(root));
}

function unzip(file: Uint8Array): Map<string, Uint8Array> {
  let unpacked = 0;
  let count = 0;
  try {
    const files = unzipSync(file, {
      filter: ({ originalSize }) => {
        if (++count > MAX_ENTRIES) throw new RangeError(`it has more than ${MAX_ENTRIES} entries`);
        unpacked += originalSize;
        if (unpacked > MAX_UNPACKED_BYTES) throw new RangeError('it unpacks to more than 256 MB');
        return true;
      },
    });
    return new Map(Object.entries(files));
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new RangeError('it is not a PyTorch checkpoint (not a readable zip archive)');
  }
}

type Callable = (...args: never[]) => unknown;

/** The allow-list. What it returns is called with the pickle's arguments. */
function resolveName(module: string, name: string, rebuild: Callable): Callable {
  if (module === 'collections' && name === 'OrderedDict') return () => new Map();
  if (module === 'torch._utils' && name === '_rebuild_tensor_v2') return rebuild;
  if (module === 'torch' && Object.hasOwn(STORAGE_KINDS, name)) {
    const marker = () => {
      throw new RangeError(`it calls ${name}, which a checkpoint has no reason to do`);
    };
    return Object.assign(marker, { storageKind: STORAGE_KINDS[name] });
  }
  throw new RangeError(`it refers to ${module}.${name}; only plain state_dict checkpoints are accepted`);
}

/** A persistent id is ('storage', storage class, key, device, element count). */
function resolveStorage(id: unknown, entries: Map<string, Uint8Array>, folder: string): Storage {
  const [tag, type, key] = Array.isArray(id) ? id : [];
  const kind = (type as { storageKind?: Storage['kind'] } | undefined)?.storageKind;
  if (tag !== 'storage' || kind === undefined || typeof key !== 'string') {
    throw new RangeError('it refers to something that is not a tensor storage');
  }
  const bytes = entries.get(`${folder}data/${key}`);
  if (bytes === undefined) throw new RangeError(`its storage ${key} is missing`);
  return { kind, bytes };
}

/** torch._utils._rebuild_tensor_v2(storage, offset, size, stride, …) for contiguous tensors; null for integer tensors. */
function rebuildTensor(storage: Storage, offset: number, shape: number[], stride: number[]): Tensor | null {
  if (storage.kind === 'long') return null;
  const count = shape.every((size) => Number.isSafeInteger(size) && size >= 0)
    ? elementCount(shape)
    : Number.NaN;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && stride[axis] !== expected)
      throw new RangeError('it has a tensor that is not contiguous');
    expected *= shape[axis];
  }
  const start = offset * 4;
  if (!Number.isSafeInteger(count) || start < 0 || start + count * 4 > storage.bytes.length) {
    throw new RangeError('it has a tensor larger than its storage');
  }
  return {
    shape: [...shape],
    data: new Float32Array(Uint8Array.from(storage.bytes.subarray(start, start + count * 4)).buffer),
  };
}

function findStateDict(root: unknown): Map<unknown, unknown> {
  if (!(root instanceof Map)) throw new RangeError('it does not hold a state_dict');
  for (const key of ['state_dict', 'model_state_dict', 'model']) {
    const inner = root.get(key);
    if (inner instanceof Map) return inner;
  }
  return root;
}

function tensorsOf(entries: Map<unknown, unknown>): StateDict {
  const state: StateDict = new Map();
  for (const [name, value] of entries) {
    if (typeof name === 'string' && value !== null && typeof value === 'object' && 'data' in value) {
      const { shape, data } = value as Tensor;
      // A pickle can give an object it has made other fields.
      const whole =
        Array.isArray(shape) && data instanceof Float32Array && elementCount(shape) === data.length;
      if (!whole) throw new RangeError(`its tensor ${name} is malformed`);
      state.set(name, { shape, data });
    }
  }
  return state;
}
