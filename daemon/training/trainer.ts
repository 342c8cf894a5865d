import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import type { EpochReport, StepReport } from '../../shared/protocol.ts';
import { frameCount } from '../features/featureConfig.ts';
import {
  initialState,
  pooledChannels,
  type StateDict,
  statisticTensors,
  trainableTensors,
  trainingStart,
  unflatten,
  type Weights,
} from '../model/audioCnn.ts';
import type { Engine, NetworkShape } from '../model/engine.ts';
import { seededRandom, shuffle } from '../random.ts';
import type { StoredFeatures, TrainingExamples } from './examples.ts';
import { mixExamples } from './mixup.ts';
import { prefetch } from './prefetch.ts';
import type { Recipe } from './recipe.ts';
import { RunClock } from './runClock.ts';
import type { EpochState, RunState, Snapshot } from './trainingState.ts';
import { validate } from './validation.ts';

/** Share of a one-cycle run during which the rate rises; it starts at the peak divided by 25 (Smith & Topin 2018, PyTorch's defaults). */
const ONE_CYCLE_RISE = 0.3;
const ONE_CYCLE_START_DIVISOR = 25;
const ONE_CYCLE_END_DIVISOR = 1e4;
/** What is lost at most when a run is killed in a long epoch. */
const STATE_INTERVAL_SECONDS = 30;
/** Random streams of a run's seed. */
const STREAM = { initialization: 1, order: 2, dropout: 3, mixup: 4 };

export interface TrainerOptions {
  recipe: Recipe;
  engine: Engine;
  training: TrainingExamples;
  /** Absent: nothing is validated, and there is no best epoch. */
  validation?: StoredFeatures;
  seed: number;
  /** Where an earlier run with the same options stood: this one ends as that one would have, to the last bit. */
  resume?: RunState;
  /** Called after every epoch, now and then within a long one, and when the run is cancelled. */
  onState?: (state: RunState) => Promise<void>;
  /** Seconds between two states within an epoch; default 30. */
  stateInterval?: number;
  onEpoch?: (report: EpochReport, best: Snapshot) => void | Promise<void>;
  onStep?: (report: StepReport) => void;
  /** Validation clips scored. */
  onValidation?: (epoch: number, done: number) => void;
  signal?: AbortSignal;
}

export interface TrainingOutcome {
  /** By validation EER; the last one where the recipe keeps the last. */
  best: Snapshot | undefined;
  /** Of the epochs that ended in this call. */
  last: EpochState | undefined;
  /** Those before `resume` included. */
  epochsRun: number;
  /** The run ended because it was asked to. */
  cancelled: boolean;
}

/**
 * Trains AudioCNN as the reference does: BCE with positive weight negatives / positives, AdamW, selection and early stopping
 * by validation EER; but the best epoch is really kept. Deterministic for a seed on one machine with one thread count.
 */
export async function trainNetwork(options: TrainerOptions): Promise<TrainingOutcome> {
  const { recipe, engine, training, validation, seed, resume, onState, signal } = options;
  const { stateInterval = STATE_INTERVAL_SECONDS } = options;
  const { architecture, epochs, batchSize, patience } = recipe;
  const shape = networkShape(recipe);
  const trainingShape = { ...shape, frames: training.frames ?? shape.frames };
  const count = training.labels.length;
  const positives = Array.from(training.labels).reduce((sum, label) => sum + label, 0);
  const positiveWeight = (count - positives) / positives;
  const stepsPerEpoch = Math.ceil(count / batchSize);
  const steps = epochs * stepsPerEpoch;
  const channels = pooledChannels(architecture);

  const initial =
    resume?.network ??
    trainingStart(architecture, initialState(architecture, seededRandom(seed, STREAM.initialization)));
  const network = await engine.createTraining(trainingShape, initial);
  const average =
    recipe.averaging > 0 ? new WeightAverage(resume?.average ?? initial, recipe.averaging) : undefined;
  let { epoch, batch, lossSum, best }: Omit<RunState, 'network'> = resume ?? {
    epoch: 1,
    batch: 0,
    lossSum: 0,
  };
  let last: EpochState | undefined;

  const hasEnded = () =>
    epoch > epochs || (patience > 0 && best !== undefined && epoch - 1 - best.epoch >= patience);
  const clock = new RunClock();
  let savedStep = initial.step;
  let savedAt = performance.now();
  const save = async () => {
    if (onState === undefined) return;
    const state = network.state();
    await onState({ network: state, average: structuredClone(average?.state), epoch, batch, lossSum, best });
    savedStep = state.step;
    savedAt = performance.now();
  };
  try {
    while (!hasEnded() && !signal?.aborted) {
      const started = performance.now();
      const firstBatch = batch;
      const order = shuffle(
        Array.from({ length: count }, (_, i) => i),
        seededRandom(seed, STREAM.order, epoch),
      );
      const batches: number[][] = [];
      for (let i = 0; i < count; i += batchSize) batches.push(order.slice(i, i + batchSize));
      const dropout = seededRandom(seed, STREAM.dropout, epoch);
      const nextMask = (examples: number) =>
        drawDropoutMask(examples * channels, architecture.dropout, dropout);
      // Brings the stream to where it was.
      for (const { length } of batches.slice(0, firstBatch)) nextMask(length);
      clock.epochBegins();
      const load = (indices: number[]) => training.batch(indices, epoch);
      for await (const features of prefetch(batches.slice(firstBatch), load)) {
        if (signal?.aborted) break;
        const indices = batches[batch];
        const labels = Float32Array.from(indices, (index) => training.labels[index]);
        const mixup = recipe.augmentation?.mixup;
        if (mixup) mixExamples(features, labels, mixup, seededRandom(seed, STREAM.mixup, epoch, batch));
        const dropoutMask = nextMask(indices.length);
        const step = (epoch - 1) * stepsPerEpoch + batch;
        const learningRate = recipe.learningRate * rateFactor(recipe, step, steps);
        const settings = { learningRate, weightDecay: recipe.weightDecay, positiveWeight };
        lossSum += indices.length * (await network.step({ features, labels, dropoutMask }, settings));
        average?.update(network.weights(), step + 1);
        batch++;
        clock.stepDone(indices.length);
        const examplesLeft = (epochs - epoch + 1) * count - Math.min(batch * batchSize, count);
        options.onStep?.({
          epoch,
          epochs,
          step: step + 1,
          steps,
          examplesPerSecond: clock.examplesPerSecond,
          secondsLeft: clock.secondsFor(examplesLeft, epochs - epoch + 1),
        });
        if (performance.now() - savedAt >= 1000 * stateInterval) await save();
      }
      if (signal?.aborted) break;
      const seconds = (performance.now() - started) / 1000;

      const state = stateDictOf(shape, average?.state ?? network.weights());
      const epochState = { state, epoch, steps: epoch * stepsPerEpoch };
      let report: EpochReport | undefined;
      if (validation !== undefined) {
        const validationStarted = performance.now();
        const onProgress = (done: number) => options.onValidation?.(epoch, done);
        const result = await validate(engine, shape, state, validation, { onProgress, signal }).catch(
          (error) => {
            if (signal?.aborted) return undefined;
            throw error;
          },
        );
        if (result === undefined) break;
        clock.validationTook((performance.now() - validationStarted) / 1000);
        const isBest =
          recipe.keep === 'last' ||
          best === undefined ||
          result.eer < best.validation.eer ||
          (result.eer === best.validation.eer && result.loss < best.validation.loss);
        if (isBest) best = { ...epochState, validation: result };
        report = {
          epoch,
          epochs,
          loss: lossSum / count,
          valAccuracy: result.accuracy,
          valEer: result.eer,
          valF1: result.f1,
          examplesPerSecond: (count - Math.min(firstBatch * batchSize, count)) / seconds,
          best: isBest,
        };
      }
      last = epochState;
      epoch++;
      batch = 0;
      lossSum = 0;
      if (report !== undefined) await options.onEpoch?.(report, best as Snapshot);
      await save();
    }
    const cancelled = !hasEnded() && signal?.aborted === true;
    if (cancelled && (epoch - 1) * stepsPerEpoch + batch > savedStep) await save();
    return { best, last, epochsRun: epoch - 1, cancelled };
  } finally {
    await network.dispose();
  }
}

/** What a recipe's network sees at prediction: whole windows. */
export const networkShape = ({ architecture, features }: Recipe): NetworkShape => ({
  architecture,
  bands: features.nMels,
  frames: frameCount(features),
});

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
