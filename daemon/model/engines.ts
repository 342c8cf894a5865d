import { createRequire } from 'node:module';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import { DEVICES, type Device, ENGINES, type EngineName } from '../../shared/verdict.ts';
import { packageRoot } from '../paths.ts';
import { DeviceEngine, tryDevice } from './deviceEngine.ts';
import type { Engine } from './engine.ts';
import { OnnxRuntimeEngine } from './onnxRuntimeEngine.ts';
import { OnnxWebEngine } from './onnxWebEngine.ts';
import { type TensorFlow, TensorflowEngine } from './tensorflowEngine.ts';

/** What a user may ask for; `auto` and absent leave the choice to `openEngine`. */
export interface EngineOptions {
  engine?: EngineName | 'auto';
  device?: Device | 'auto';
}

/** A name in a variable keeps bundler and compiler from looking for a package that most installations do not have. */
const TFJS_NODE = '@tensorflow/tfjs-node';
const TFJS_NODE_VERSION = '4.22.0';

/**
 * The engine that a user asked for. Where nothing was: ONNX Runtime's native build on the CPU, or its WebAssembly build where
 * the native one does not load, which `warn` is told. Another device is first tried for the `use` that is to be made of it.
 * Throws InvalidArguments, EngineUnavailable and DeviceUnavailable.
 */
export async function openEngine(
  { engine = 'auto', device = 'auto' }: EngineOptions,
  warn: (message: string) => void,
  use: 'scoring' | 'training' = 'scoring',
): Promise<Engine> {
  const choice = known('engine', ['auto', ...ENGINES], engine);
  // A graphics processor is used only by whoever asks for it: whether one is faster for so small a network was never measured.
  const wanted = known('device', ['auto', ...DEVICES], device) === 'auto' ? 'cpu' : (device as Device);
  if (choice === 'onnxruntime-web' || choice === 'tfjs') {
    if (wanted !== 'cpu') {
      throw new DeepfakeError(
        ErrorCode.InvalidArguments,
        `The engine ${choice} computes on the CPU only: leave the device ${wanted} to the engine onnxruntime.`,
      );
    }
    return choice === 'tfjs' ? new TensorflowEngine(await loadTensorFlow()) : new OnnxWebEngine();
  }

  const failure = await nativeFailure();
  if (failure !== undefined) {
    const reason = `ONNX Runtime's native library does not load on this ${process.platform} ${process.arch} (${failure})`;
    if (wanted !== 'cpu')
      throw new DeepfakeError(
        ErrorCode.DeviceUnavailable,
        `The device ${wanted} cannot be used: ${reason}; choose the device cpu.`,
      );
    if (choice === 'onnxruntime')
      throw new DeepfakeError(ErrorCode.EngineUnavailable, `${reason}; choose the engine onnxruntime-web.`);
    warn(`${reason}; its WebAssembly build answers instead, with the same scores but more slowly.`);
    return new OnnxWebEngine();
  }
  if (wanted === 'cpu') return new OnnxRuntimeEngine();
  await tryDevice(wanted, use);
  return new DeviceEngine(wanted);
}

function known<T extends string>(what: string, names: readonly T[], name: T): T {
  if (names.includes(name)) return name;
  throw new DeepfakeError(
    ErrorCode.InvalidArguments,
    `There is no ${what} "${name}": choose one of ${names.join(', ')}.`,
  );
}

/** Why onnxruntime-node cannot be loaded; undefined where it can. */
async function nativeFailure(): Promise<string | undefined> {
  try {
    await import('onnxruntime-node');
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

async function loadTensorFlow(): Promise<TensorFlow> {
  // TensorFlow greets on standard error otherwise.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  // tfjs-node 4.22 calls this function, which Node 23 took away.
  const util = createRequire(import.meta.url)('node:util') as {
    isNullOrUndefined?: (value: unknown) => boolean;
  };
  util.isNullOrUndefined ??= (value) => value === undefined || value === null;
  try {
    return ((await import(TFJS_NODE)) as { default: TensorFlow }).default;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    const reason = missing ? 'it is not installed' : `it does not load: ${messageOf(error)}`;
    throw new DeepfakeError(
      ErrorCode.EngineUnavailable,
      `The engine tfjs needs the package ${TFJS_NODE}, but ${reason}; ` +
        `run "npm install --no-save --ignore-scripts=false ${TFJS_NODE}@${TFJS_NODE_VERSION}" in ${packageRoot}.`,
      undefined,
      { cause: error },
    );
  }
}
