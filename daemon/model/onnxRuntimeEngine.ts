import { availableParallelism } from 'node:os';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Device, EngineFacts } from '../../shared/verdict.ts';
import type { StateDict, TrainingState, Weights } from './audioCnn.ts';
import type {
  Engine,
  InferenceEngine,
  NetworkShape,
  Scores,
  StepSettings,
  TrainingBatch,
  TrainingEngine,
} from './engine.ts';
import { EVIDENCE, INPUT, inferenceGraph, LOGIT, POOLED } from './inferenceGraph.ts';
import { BETA1, BETA2, blockSizeGraph, trainingGraph } from './trainingGraph.ts';

/** Warnings of ONNX Runtime's own log are for its developers. */
const ERRORS_ONLY = 3;
const FATAL_ONLY = 4;
export const SESSION_OPTIONS = { graphOptimizationLevel: 'all', logSeverityLevel: ERRORS_ONLY } as const;

export interface OnnxRuntimeOptions {
  /** Threads of one session; default: all cores. */
  threads?: number;
  /** What computes; default: the CPU. */
  device?: Device;
}

/** A build of ONNX Runtime. */
export interface OnnxRuntime {
  Tensor: typeof Tensor;
  openSession(model: Uint8Array): Promise<InferenceSession>;
  /** Channels in a block of its blocked convolutions; absent or 1: it has none. */
  blockSize?: number;
}

/** AudioCNN on ONNX Runtime's native build. */
export class OnnxRuntimeEngine implements Engine {
  readonly facts: EngineFacts;
  private readonly threads: number;

  constructor({ threads = availableParallelism(), device = 'cpu' }: OnnxRuntimeOptions = {}) {
    this.facts = { name: 'onnxruntime', device };
    this.threads = threads;
  }

  async createInference(shape: NetworkShape, state: StateDict): Promise<InferenceEngine> {
    return OnnxInference.open(await this.runtime(), shape, state);
  }

  async createTraining(shape: NetworkShape, initial: TrainingState): Promise<TrainingEngine> {
    // The level 'all' would lay out the step's small constant convolutions anew, at a cost.
    const runtime = await this.runtime('extended');
    const blockSize = this.facts.device === 'cpu' ? await blockSizeOf(runtime) : 1;
    return new OnnxTraining({ ...runtime, blockSize }, shape, initial);
  }

  private async runtime(graphOptimizationLevel: 'extended' | 'all' = 'all'): Promise<OnnxRuntime> {
    const { InferenceSession, Tensor } = await import('onnxruntime-node');
    return {
      Tensor,
      openSession: (model) =>
        InferenceSession.create(model, {
          ...SESSION_OPTIONS,
          executionProviders: [this.facts.device],
          // What fails on an accelerator is thrown too, and told in our own words.
          ...(this.facts.device === 'cpu' ? {} : { logSeverityLevel: FATAL_ONLY }),
          intraOpNumThreads: this.threads,
          interOpNumThreads: 1,
          graphOptimizationLevel,
          // Spinning threads collapse when the machine is busy with decoding.
          extra: { session: { intra_op: { allow_spinning: '0' } } },
        }),
    };
  }
}

/** Channels in a block of the processor's blocked convolutions; 1 where this build has none for it. */
export async function blockSizeOf({ openSession, Tensor }: OnnxRuntime): Promise<number> {
  let session: InferenceSession;
  try {
    session = await openSession(blockSizeGraph());
  } catch {
    return 1;
  }
  try {
    const { block } = await session.run({
      smallest: new Tensor('float32', new Float32Array(4), [1, 4, 1, 1]),
    });
    // Without blocks nothing is laid out anew, and the four channels come back.
    return block.dims[1] > 4 ? block.dims[1] : 1;
  } finally {
    await session.release();
  }
}

export class OnnxInference implements InferenceEngine {
  private constructor(
    private readonly runtime: OnnxRuntime,
    private readonly session: InferenceSession,
    private readonly shape: NetworkShape,
  ) {}

  static async open(runtime: OnnxRuntime, shape: NetworkShape, state: StateDict): Promise<OnnxInference> {
    const model = inferenceGraph(shape.architecture, state, shape.bands, shape.frames);
    return new OnnxInference(runtime, await runtime.openSession(model), shape);
  }

  async score(features: Float32Array, count: number): Promise<Scores> {
    const { Tensor } = this.runtime;
    const input = new Tensor('float32', features, [count, 1, this.shape.bands, this.shape.frames]);
    const results = await this.session.run({ [INPUT]: input });
    const evidence = results[EVIDENCE];
    return {
      logits: results[LOGIT].data as Float32Array,
      evidence: evidence.data as Float32Array,
      evidenceRows: evidence.dims[1],
      evidenceColumns: evidence.dims[2],
      pooled: results[POOLED].data as Float32Array,
    };
  }

  dispose(): Promise<void> {
    return this.session.release();
  }
}

export class OnnxTraining implements TrainingEngine {
  /** A training graph has its batch size built in: one session per size. */
  private readonly sessions = new Map<number, Promise<InferenceSession>>();
  private current: TrainingState;

  constructor(
    private readonly runtime: OnnxRuntime,
    private readonly shape: NetworkShape,
    initial: TrainingState,
  ) {
    this.current = initial;
  }

  async step(batch: TrainingBatch, settings: StepSettings): Promise<number> {
    const { Tensor } = this.runtime;
    const count = batch.labels.length;
    const session = await this.sessionFor(count);
    const { parameters, moment1, moment2, statistics } = this.current;
    const step = this.current.step + 1;
    const hyper = Float32Array.of(
      settings.learningRate,
      settings.weightDecay,
      1 / (1 - BETA1 ** step),
      1 / (1 - BETA2 ** step),
      settings.positiveWeight,
    );
    const vector = (data: Float32Array): Tensor => new Tensor('float32', data, [data.length]);
    const results = await session.run({
      features: new Tensor('float32', batch.features, [count, 1, this.shape.bands, this.shape.frames]),
      labels: vector(batch.labels),
      mask: new Tensor('float32', batch.dropoutMask, [count, batch.dropoutMask.length / count]),
      parameters: vector(parameters),
      moment1: vector(moment1),
      moment2: vector(moment2),
      statistics: vector(statistics),
      hyper: vector(hyper),
    });
    const floats = (name: string) => results[name].data as Float32Array;
    this.current = {
      parameters: floats('next_parameters'),
      moment1: floats('next_moment1'),
      moment2: floats('next_moment2'),
      statistics: floats('next_statistics'),
      step,
    };
    return floats('loss')[0];
  }

  state(): TrainingState {
    const { parameters, moment1, moment2, statistics, step } = this.current;
    return {
      parameters: parameters.slice(),
      moment1: moment1.slice(),
      moment2: moment2.slice(),
      statistics: statistics.slice(),
      step,
    };
  }

  weights(): Weights {
    return this.current;
  }

  restore(state: TrainingState): void {
    this.current = state;
  }

  async dispose(): Promise<void> {
    for (const session of this.sessions.values()) await (await session).release();
  }

  private sessionFor(batchSize: number): Promise<InferenceSession> {
    let session = this.sessions.get(batchSize);
    if (session === undefined) {
      session = this.runtime.openSession(
        trainingGraph({ ...this.shape, batchSize, blockSize: this.runtime.blockSize }),
      );
      this.sessions.set(batchSize, session);
    }
    return session;
  }
}
