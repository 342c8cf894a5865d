import { Worker } from 'node:worker_threads';
import { distFile } from '../paths.ts';
import type { StateDict, TrainingState } from './audioCnn.ts';
import type { Engine, InferenceEngine, NetworkShape, Scores, TrainingEngine } from './engine.ts';

/** What the thread is started with. */
export interface InferenceThreadData {
  shape: NetworkShape;
  state: StateDict;
}
/** What it is asked; `end` lets go of the network. */
export type InferenceQuestion = { id: number; features: Float32Array; count: number } | 'end';
/** What it says: the network is loaded, a score, or why there is none. */
export type InferenceAnswer = 'ready' | { id: number; scores: Scores } | { id?: number; failure: string };

/**
 * An engine whose networks score in a thread of their own. ONNX Runtime's native build blocks the thread that calls it, and the
 * thread that hands out work and takes answers must not stand still.
 */
export class ThreadedEngine implements Engine {
  constructor(private readonly engine: Engine) {}

  get facts() {
    return this.engine.facts;
  }

  createInference(shape: NetworkShape, state: StateDict): Promise<InferenceEngine> {
    return InferenceThread.open({ shape, state });
  }

  createTraining(shape: NetworkShape, initial: TrainingState): Promise<TrainingEngine> {
    return this.engine.createTraining(shape, initial);
  }
}

interface Call {
  resolve(scores: Scores): void;
  reject(error: Error): void;
}

class InferenceThread implements InferenceEngine {
  private readonly calls = new Map<number, Call>();
  private lastId = 0;
  private failure: Error | undefined;

  private constructor(
    private readonly thread: Worker,
    private readonly exit: Promise<void>,
  ) {}

  static async open(data: InferenceThreadData): Promise<InferenceThread> {
    const thread = new Worker(distFile('inferenceThread.js'), { workerData: data });
    const exit = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
    const inference = new InferenceThread(thread, exit);
    await new Promise<void>((resolve, reject) => {
      const refuse = (error: Error) => {
        inference.fail(error);
        reject(error);
      };
      thread.on('error', refuse);
      thread.on('exit', () => refuse(new Error('The network’s thread has ended.')));
      thread.on('message', (answer: InferenceAnswer) => {
        if (answer === 'ready') resolve();
        else if ('scores' in answer) inference.take(answer.id)?.resolve(answer.scores);
        else if (answer.id === undefined) refuse(new Error(answer.failure));
        else inference.take(answer.id)?.reject(new Error(answer.failure));
      });
    });
    // A process may end with a network loaded, but not before it has answered.
    thread.unref();
    return inference;
  }

  score(features: Float32Array, count: number): Promise<Scores> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      const id = ++this.lastId;
      this.calls.set(id, { resolve, reject });
      this.thread.ref();
      this.thread.postMessage({ id, features, count } satisfies InferenceQuestion);
    });
  }

  async dispose(): Promise<void> {
    if (this.failure !== undefined) return;
    this.thread.ref();
    this.thread.postMessage('end' satisfies InferenceQuestion);
    await this.exit;
  }

  private take(id: number): Call | undefined {
    const call = this.calls.get(id);
    this.calls.delete(id);
    if (this.calls.size === 0) this.thread.unref();
    return call;
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const { reject } of this.calls.values()) reject(error);
    this.calls.clear();
  }
}
