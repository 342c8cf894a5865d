import type { EngineFacts } from '../../shared/verdict.ts';
import type { Architecture, StateDict, TrainingState, Weights } from './audioCnn.ts';

/** What a network is built for. */
export interface NetworkShape {
  architecture: Architecture;
  /** Rows and columns of one input spectrogram. */
  bands: number;
  frames: number;
}

/** Scores of a batch of spectrograms. */
export interface Scores {
  /** One logit per example; positive leans towards Deepfake. */
  logits: Float32Array;
  /** Per example a row-major map of `evidenceRows` × `evidenceColumns` whose sum plus the linear bias is the logit. */
  evidence: Float32Array;
  evidenceRows: number;
  evidenceColumns: number;
  /** Per example the last block's channels averaged over time and frequency, which the linear layer weighs. */
  pooled: Float32Array;
}

/** A loaded network that scores. */
export interface InferenceEngine {
  /** `features`: count × bands × frames values, row-major. */
  score(features: Float32Array, count: number): Promise<Scores>;
  dispose(): Promise<void>;
}

/** One batch as the trainer sees it. */
export interface TrainingBatch {
  /** count × bands × frames values. */
  features: Float32Array;
  /** 0 Genuine, 1 Deepfake; values between are allowed. */
  labels: Float32Array;
  /** count × channels: 0 for dropped, 1/(1−p) for kept. */
  dropoutMask: Float32Array;
}

/** AdamW's settings for one step. */
export interface StepSettings {
  learningRate: number;
  weightDecay: number;
  /** Weight of the class Deepfake in the loss. */
  positiveWeight: number;
}

/** A network that learns. */
export interface TrainingEngine {
  /** Takes one AdamW step and returns the batch's mean loss. */
  step(batch: TrainingBatch, settings: StepSettings): Promise<number>;
  /** A copy of the state. */
  state(): TrainingState;
  /** What scores, not copied: good until the next step. */
  weights(): Weights;
  restore(state: TrainingState): void;
  dispose(): Promise<void>;
}

/** Something that runs AudioCNN. */
export interface Engine {
  readonly facts: EngineFacts;
  createInference(shape: NetworkShape, state: StateDict): Promise<InferenceEngine>;
  createTraining(shape: NetworkShape, initial: TrainingState): Promise<TrainingEngine>;
}
