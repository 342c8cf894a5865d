import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import type { EngineFacts } from '../../shared/verdict.ts';
import { distFile } from '../paths.ts';
import type { StateDict, TrainingState } from './audioCnn.ts';
import type { Engine, InferenceEngine, NetworkShape, TrainingEngine } from './engine.ts';
import { OnnxInference, type OnnxRuntime, OnnxTraining, SESSION_OPTIONS } from './onnxRuntimeEngine.ts';

/** The three files of the package `onnxruntime-web` that are needed, copied by the build. */
const webFile = (name: string): URL => pathToFileURL(distFile(`onnxruntime-web/${name}`));

/**
 * AudioCNN on ONNX Runtime's WebAssembly build, which runs wherever Node does. Its threads are shared by all sessions of a
 * JavaScript thread, so that the first engine made there sets their number.
 */
export class OnnxWebEngine implements Engine {
  readonly facts: EngineFacts = { name: 'onnxruntime-web', device: 'cpu' };
  private readonly threads: number;

  constructor({ threads = availableParallelism() }: { threads?: number } = {}) {
    this.threads = threads;
  }

  async createInference(shape: NetworkShape, state: StateDict): Promise<InferenceEngine> {
    return OnnxInference.open(await this.runtime(), shape, state);
  }

  async createTraining(shape: NetworkShape, initial: TrainingState): Promise<TrainingEngine> {
    return new OnnxTraining(await this.runtime(), shape, initial);
  }

  private async runtime(): Promise<OnnxRuntime> {
    const module = webFile('ort.node.min.mjs').href;
    const { env, InferenceSession, Tensor }: typeof import('onnxruntime-web') = await import(module);
    // Named, so that nothing is looked for anywhere else.
    env.wasm.wasmPaths = {
      mjs: webFile('ort-wasm-simd-threaded.mjs'),
      wasm: webFile('ort-wasm-simd-threaded.wasm'),
    };
    env.wasm.numThreads = this.threads;
    return {
      Tensor,
      openSession: (model) =>
        InferenceSession.create(model, { ...SESSION_OPTIONS, executionProviders: ['wasm'] }),
    };
  }
}
