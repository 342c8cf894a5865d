import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import type { EpochReport } from '../../shared/protocol.ts';
import { equalErrorRate, referenceMetrics } from '../evaluation/metrics.ts';
import { frameCount } from '../features/featureConfig.ts';
import {
  flatten,
  initialState,
  type StateDict,
  statisticTensors,
  trainableTensors,
  unflatten,
} from '../model/audioCnn.ts';
import type { Engine, NetworkShape, TrainingState, Weights } from '../model/engine.ts';
import { seededRandom, shuffle } from '../random.ts';
import type { StoredFeatures, TrainingExamples } from './examples.ts';
import type { Recipe } from './recipe.ts';

/** Batches made ready ahead of the network. */
const PREFETCHED_BATCHES = 4;
/** Examples scored at once during validation. */
const VALIDATION_BATCH = 64;
/** Share of a one-cycle run during which the rate rises; it starts at the peak divided by 25 (Smith & Topin 2018, PyTorch's defaults). */
const ONE_CYCLE_RISE = 0.3;
const ONE_CYCLE_START_DIVISOR = 25;
const ONE_CYCLE_END_DIVISOR = 1e4;
/** Random streams of a run's seed. */
const STREAM = { initialization: 1, order: 2, dropout: 3 };

/** Scores of the validation clips, and what they amount to. */
export interface Validation {
  /** Mean logit of each clip's windows. */
  logits: Float64Array;
  eer: number;
  accuracy: number;
  f1: number;
  /** Mean binary cross-entropy, which decides between epochs of equal EER. */
  loss: number;
}

/** The network after an epoch. */
export interface EpochState {
  state: StateDict;
  epoch: number;
  /** Steps taken until then. */
  steps: number;
}

/** The best epoch of a run. */
export interface Snapshot extends EpochState {
  validation: Validation;
}

export interface TrainerOptions {
  recipe: Recipe;
  engine: Engine;
  training: TrainingExamples;
  /** Absent: nothing is validated, and there is no best epoch. */
  validation?: StoredFeatures;
  seed: number;
  onEpoch?: (report: EpochReport, best: Snapshot) => void | Promise<void>;
  onStep?: (step: number, steps: number) => void;
  signal?: AbortSignal;
}

export interface TrainingOutcome {
  /** By validation EER; the last one where the recipe keeps the last. */
  best: Snapshot | undefined;
  last: EpochState | undefined;
  epochsRun: number;
  /** The run ended because it was asked to. */
  cancelled: boolean;
}

/**
 * Trains AudioCNN as the reference does: BCE with positive weight negatives / positives, AdamW, selection and early stopping
 * by validation EER; but the best epoch is really kept. Deterministic for a seed on one machine with one thread count.
 */
export async function trainNetwork(options: TrainerOptions): Promise<TrainingOutcome> {
  const { recipe, engine, training, validation, seed, signal } = options;
  const { architecture } = recipe;
  const shape = { architecture, bands: recipe.features.nMels, frames: frameCount(recipe.features) };
  const trainingShape = { ...shape, frames: training.frames ?? shape.frames };
  const count = training.labels.length;
  const positives = Array.from(training.labels).reduce((sum, label) => sum + label, 0);
  const positiveWeight = (count - positives) / positives;
  const stepsPerEpoch = Math.ceil(count / recipe.batchSize);
  const totalSteps = recipe.epochs * stepsPerEpoch;

  const initial = freshState(shape, seededRandom(seed, STREAM.initialization));
  const network = await engine.createTraining(trainingShape, initial);
  const average = recipe.averaging > 0 ? new WeightAverage(initial, recipe.averaging) : undefined;
  let best: Snapshot | undefined;
  let last: EpochState | undefined;
  let epochsRun = 0;
  try {
    for (let epoch = 1; epoch <= recipe.epochs && !signal?.aborted; epoch++) {
      const started = performance.now();
      const order = shuffle(
        Array.from({ length: count }, (_, i) => i),
        seededRandom(seed, STREAM.order, epoch),
      );
      const dropout = seededRandom(seed, STREAM.dropout, epoch);
      const batches: number[][] = [];
      for (let i = 0; i < count; i += recipe.batchSize) batches.push(order.slice(i, i + recipe.batchSize));
      let lossSum = 0;
      let batch = 0;
      for await (const features of prefetch(batches, (indices) => training.batch(indices, epoch))) {
        if (signal?.aborted) break;
        const indices = batches[batch];
        const labels = Float32Array.from(indices, (index) => training.labels[index]);
        const channels = architecture.channels[architecture.channels.length - 1];
        const dropoutMask = drawDropoutMask(indices.length * channels, architecture.dropout, dropout);
        const step = (epoch - 1) * stepsPerEpoch + batch;
        const learningRate = recipe.learningRate * rateFactor(recipe, step, totalSteps);
        const settings = { learningRate, weightDecay: recipe.weightDecay, positiveWeight };
        lossSum += indices.length * (await network.step({ features, labels, dropoutMask }, settings));
        average?.update(network.weights(), step + 1);
        options.onStep?.(step + 1, totalSteps);
        batch++;
      }
      if (signal?.aborted) break;
      epochsRun = epoch;
      const seconds = (performance.now() - started) / 1000;

      const current = network.state();
      const state = stateDictOf(shape, average?.state ?? current);
      last = { state, epoch, steps: current.step };
      if (validation === undefined) continue;
      const result = await validate(engine, shape, state, validation);
      const isBest =
        recipe.keep === 'last' ||
        best === undefined ||
        result.eer < best.validation.eer ||
        (result.eer === best.validation.eer && result.loss < best.validation.loss);
      if (isBest) best = { ...last, validation: result };
      await options.onEpoch?.(
        {
          epoch,
          epochs: recipe.epochs,
          loss: lossSum / count,
          valAccuracy: result.accuracy,
          valEer: result.eer,
          valF1: result.f1,
          examplesPerSecond: count / seconds,
          best: isBest,
        },
        best as Snapshot,
      );
      if (recipe.patience > 0 && epoch - (best as Snapshot).epoch >= recipe.patience) break;
    }
  } finally {
    await network.dispose();
  }
  return { best, last, epochsRun, cancelled: signal?.aborted ?? false };
}

/** Asks for a few items ahead of the one being used; items come in order. */
async function* prefetch<I, O>(inputs: I[], load: (input: I) => Promise<O>): AsyncGenerator<O> {
  const pending: Promise<O>[] = [];
  let next = 0;
  const refill = () => {
    while (pending.length < PREFETCHED_BATCHES && next < inputs.length) {
      const promise = load(inputs[next++]);
      // A failure is reported when its turn comes.
      promise.catch(() => {});
      pending.push(promise);
    }
  };
  for (refill(); pending.length > 0; refill()) yield await (pending.shift() as Promise<O>);
}

/** Factor of the learning rate at a step: 1, or one cosine cycle up to 1 and down again. */
export function rateFactor({ schedule }: Pick<Recipe, 'schedule'>, step: number, totalSteps: number): number {
  if (schedule === 'constant') return 1;
  const peak = Math.max(1, Math.round(ONE_CYCLE_RISE * totalSteps));
  const blend = (from: number, to: number, position: number) =>
    to + ((from - to) * (1 + Math.cos(Math.PI * position))) / 2;
  const start = 1 / ONE_CYCLE_START_DIVISOR;
  if (step < peak) return blend(start, 1, step / peak);
  return blend(1, start / ONE_CYCLE_END_DIVISOR, (step - peak) / Math.max(1, totalSteps - peak));
}

function drawDropoutMask(length: number, probability: number, random: RandomGenerator): Float32Array {
  const kept = 1 / (1 - probability);
  const mask = new Float32Array(length);
  for (let i = 0; i < length; i++) mask[i] = uniformFloat64(random) < probability ? 0 : kept;
  return mask;
}

function freshState({ architecture }: NetworkShape, random: RandomGenerator): TrainingState {
  const state = initialState(architecture, random);
  const parameters = flatten(state, trainableTensors(architecture));
  return {
    parameters,
    moment1: new Float32Array(parameters.length),
    moment2: new Float32Array(parameters.length),
    statistics: flatten(state, statisticTensors(architecture)),
    step: 0,
  };
}

function stateDictOf({ architecture }: NetworkShape, { parameters, statistics }: Weights): StateDict {
  const state: StateDict = new Map();
  unflatten(parameters, trainableTensors(architecture), state);
  unflatten(statistics, statisticTensors(architecture), state);
  return state;
}

/** Exponential moving average of weights and running statistics. */
class WeightAverage {
  readonly state: Weights;

  constructor(
    initial: Weights,
    private readonly decay: number,
  ) {
    this.state = { parameters: initial.parameters.slice(), statistics: initial.statistics.slice() };
  }

  update({ parameters, statistics }: Weights, step: number): void {
    // A short warm-up lets the average forget the random start (as in TensorFlow's ExponentialMovingAverage).
    const decay = Math.min(this.decay, (1 + step) / (10 + step));
    const blend = (average: Float32Array, fresh: Float32Array) => {
      for (let i = 0; i < average.length; i++) average[i] += (1 - decay) * (fresh[i] - average[i]);
    };
    blend(this.state.parameters, parameters);
    blend(this.state.statistics, statistics);
  }
}

/** Scores every validation clip as prediction would: mean logit over its windows. */
export async function validate(
  engine: Engine,
  shape: NetworkShape,
  state: StateDict,
  examples: StoredFeatures,
): Promise<Validation> {
  const inference = await engine.createInference(shape, state);
  const clipOfWindow = examples.windows.flatMap((windows, clip) => windows.map(() => clip));
  const entries = examples.windows.flat();
  const logits = new Float64Array(examples.windows.length);
  try {
    for (let from = 0; from < entries.length; from += VALIDATION_BATCH) {
      const batch = entries.slice(from, from + VALIDATION_BATCH);
      const scores = await inference.score(examples.read(batch), batch.length);
      scores.logits.forEach((logit, i) => {
        const clip = clipOfWindow[from + i];
        logits[clip] += logit / examples.windows[clip].length;
      });
    }
  } finally {
    await inference.dispose();
  }
  const probabilities = logits.map((logit) => 1 / (1 + Math.exp(-logit)));
  const { accuracy, f1 } = referenceMetrics(probabilities, examples.labels, 0.5);
  let loss = 0;
  logits.forEach((logit, clip) => {
    const margin = examples.labels[clip] > 0.5 ? logit : -logit;
    loss += Math.max(0, -margin) + Math.log1p(Math.exp(-Math.abs(margin)));
  });
  return {
    logits,
    eer: equalErrorRate(logits, examples.labels).eer,
    accuracy,
    f1,
    loss: loss / logits.length,
  };
}
