import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  type Architecture,
  LINEAR_BIAS,
  type StateDict,
  statisticTensors,
  type TrainingState,
  trainableTensors,
} from '../../daemon/model/audioCnn.ts';
import type { Engine, NetworkShape, StepSettings, TrainingBatch } from '../../daemon/model/engine.ts';
import { OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import type { StoredFeatures, TrainingExamples } from '../../daemon/training/examples.ts';
import { type Recipe, referenceRecipe } from '../../daemon/training/recipe.ts';
import { rateFactor, trainNetwork } from '../../daemon/training/trainer.ts';
import { type RunState, unfinishedRun, writeRun } from '../../daemon/training/trainingState.ts';
import { validate } from '../../daemon/training/validation.ts';
import type { EpochReport } from '../../shared/protocol.ts';
import { GoldenRandom } from '../golden/goldenRandom.ts';
import { temporaryFolder } from '../helpers.ts';

const states = temporaryFolder();

const architecture: Architecture = { channels: [2, 3], dropout: 0.25 };
/** Eight bands and eleven frames. */
const recipe: Recipe = {
  ...referenceRecipe,
  features: { ...referenceRecipe.features, nMels: 8, duration: 0.16, hopLength: 256 },
  architecture,
  epochs: 6,
  batchSize: 8,
  learningRate: 1e-2,
  patience: 0,
};
const shape: NetworkShape = { architecture, bands: 8, frames: 11 };
const EXAMPLE = 8 * 11;

/** Examples whose classes differ in the level of their lower half. */
class MadeExamples implements TrainingExamples {
  readonly labels: Float32Array;
  readonly asked: { indices: number[]; epoch: number }[] = [];
  /** Two windows for every third clip, as a long file has. */
  readonly windows: number[][];
  private readonly entries: Float32Array[] = [];

  constructor(count: number, seed: number, level = 0.5) {
    const random = new GoldenRandom(seed);
    this.labels = Float32Array.from({ length: count }, (_, i) => (i % 3 === 0 ? 1 : 0));
    this.windows = Array.from(this.labels, (label, clip) =>
      Array.from({ length: clip % 3 === 0 ? 2 : 1 }, () => {
        const values = random.array(EXAMPLE);
        for (let i = 0; i < EXAMPLE / 2; i++) values[i] += level * label;
        return this.entries.push(values) - 1;
      }),
    );
  }

  async batch(indices: number[], epoch: number): Promise<Float32Array> {
    this.asked.push({ indices, epoch });
    return this.read(indices.map((index) => this.windows[index][0]));
  }

  async read(entries: number[]): Promise<Float32Array> {
    const batch = new Float32Array(entries.length * EXAMPLE);
    entries.forEach((entry, i) => {
      batch.set(this.entries[entry], i * EXAMPLE);
    });
    return batch;
  }

  async dispose(): Promise<void> {}

  /** In the place of features that were computed from files. */
  get stored(): StoredFeatures {
    return this as unknown as StoredFeatures;
  }
}

const run = (changes: Partial<Parameters<typeof trainNetwork>[0]> = {}) =>
  trainNetwork({
    recipe,
    engine: new OnnxRuntimeEngine({ threads: 1 }),
    training: new MadeExamples(21, 1),
    validation: new MadeExamples(15, 2).stored,
    seed: 7,
    ...changes,
  });

/** Validation outcomes that a test prescribes: the mean margin of each epoch, negative where it is wrong. */
class ScriptedEngine implements Engine {
  readonly facts = { name: 'onnxruntime', device: 'cpu' } as const;
  readonly settings: StepSettings[] = [];
  readonly batches: TrainingBatch[] = [];
  private steps = 0;

  /** `margins`: per epoch, the logit given to each clip in the direction of its label. */
  constructor(
    private readonly margins: number[][],
    private readonly validation: MadeExamples,
    private readonly stepsPerEpoch: number,
  ) {}

  async createTraining(_shape: NetworkShape, initial: TrainingState) {
    let current = initial;
    return {
      step: async (batch: TrainingBatch, settings: StepSettings) => {
        this.batches.push(batch);
        this.settings.push(settings);
        this.steps++;
        // The same arrays all along, as an engine in a hurry would.
        current = { ...current, step: this.steps };
        current.parameters.fill(this.steps);
        return 0.5;
      },
      state: () => structuredClone(current),
      weights: () => current,
      restore: (state: TrainingState) => {
        current = state;
      },
      dispose: async () => {},
    };
  }

  async createInference(_shape: NetworkShape, state: StateDict) {
    const step = state.get(LINEAR_BIAS)?.data[0] as number;
    const margins = this.margins[Math.round(step / this.stepsPerEpoch) - 1];
    const clips = this.validation.windows.flatMap((windows, clip) => windows.map(() => clip));
    const logits = clips.map(
      (clip) => margins[clip % margins.length] * (this.validation.labels[clip] > 0.5 ? 1 : -1),
    );
    return {
      score: async () => ({
        logits: Float32Array.from(logits),
        evidence: new Float32Array(logits.length),
        evidenceRows: 1,
        evidenceColumns: 1,
        pooled: new Float32Array(logits.length),
      }),
      dispose: async () => {},
    };
  }
}

/** Runs epochs with these margins; three steps each. */
async function runScript(margins: number[][], changes: Partial<Recipe> = {}) {
  const validation = new MadeExamples(15, 2);
  const engine = new ScriptedEngine(margins, validation, 3);
  const reports: EpochReport[] = [];
  const outcome = await trainNetwork({
    recipe: { ...recipe, epochs: margins.length, ...changes },
    engine,
    training: new MadeExamples(21, 1),
    validation: validation.stored,
    seed: 7,
    onEpoch: (report) => void reports.push(report),
  });
  return { ...outcome, engine, reports };
}

const right = [1];
const surer = [2];
/** Two clips in five are wrong. */
const halfWrong = [1, -1, 1, -1, 1];
const wrong = [-1];

describe('training', () => {
  it('is the same for a seed, to the last bit, and another for another', async () => {
    const [first, second, other] = [await run(), await run(), await run({ seed: 8 })];
    assert.deepEqual(second.best, first.best);
    assert.notDeepEqual(other.best?.state, first.best?.state);
  });

  it('learns what tells the classes apart', async () => {
    const reports: EpochReport[] = [];
    const { best } = await run({
      recipe: { ...recipe, epochs: 15 },
      onEpoch: (report) => void reports.push(report),
    });
    assert.ok(reports[14].loss < 0.8 * reports[0].loss, `${reports[0].loss} → ${reports[14].loss}`);
    assert.ok((best?.validation.eer as number) < 0.25, `${best?.validation.eer}`);
  });

  it('keeps the best epoch, not the last', async () => {
    const { best, epochsRun, reports } = await runScript([halfWrong, right, halfWrong, wrong]);
    assert.equal(epochsRun, 4);
    assert.equal(best?.epoch, 2);
    assert.equal(best?.steps, 6);
    assert.equal(best?.validation.eer, 0);
    // The scripted engine writes the number of its last step into every weight.
    for (const { name } of trainableTensors(architecture)) {
      assert.ok(
        best?.state.get(name)?.data.every((value) => value === 6),
        name,
      );
    }
    assert.deepEqual(
      reports.map((report) => report.best),
      [true, true, false, false],
    );
  });

  it('keeps weights that really score as reported', async () => {
    // The more the network learns the worse it does on these: the best epoch is an early one.
    const validation = new MadeExamples(30, 2, -2);
    const engine = new OnnxRuntimeEngine({ threads: 1 });
    const { best } = await run({ engine, validation: validation.stored, recipe: { ...recipe, epochs: 8 } });
    assert.ok(best);
    assert.ok(best.epoch < 8, 'the last epoch is the best one: this run tells nothing');
    assert.deepEqual(await validate(engine, shape, best.state, validation.stored), best.validation);
    assert.equal(
      best.state.size,
      trainableTensors(architecture).length + statisticTensors(architecture).length,
    );
  });

  it('prefers the surer of two epochs with the same equal error rate, and the earlier of two equal ones', async () => {
    assert.equal((await runScript([right, surer, right])).best?.epoch, 2);
    assert.equal((await runScript([right, right, right])).best?.epoch, 1);
  });

  it('stops after as many epochs without improvement as patience allows', async () => {
    const { best, epochsRun, cancelled } = await runScript([halfWrong, right, wrong, wrong, wrong, wrong], {
      patience: 2,
    });
    assert.deepEqual([epochsRun, best?.epoch, cancelled], [4, 2, false]);
    assert.equal((await runScript([right, wrong, wrong, wrong], { patience: 0 })).epochsRun, 4);
  });

  it('keeps the best epoch when it is cancelled', async () => {
    const abort = new AbortController();
    const steps: number[] = [];
    const outcome = await run({
      signal: abort.signal,
      onStep: ({ step }) => {
        steps.push(step);
        // In the middle of the third epoch.
        if (step === 8) abort.abort();
      },
    });
    assert.equal(outcome.cancelled, true);
    assert.equal(outcome.epochsRun, 2);
    assert.ok((outcome.best?.epoch as number) <= 2);
    assert.equal(steps[steps.length - 1], 8);
    const two = await run({ recipe: { ...recipe, epochs: 2 } });
    assert.deepEqual(outcome.best, two.best);
  });

  it('keeps nothing when it is cancelled before the first epoch ends', async () => {
    const abort = new AbortController();
    const outcome = await run({ signal: abort.signal, onStep: () => abort.abort() });
    assert.deepEqual([outcome.best, outcome.epochsRun, outcome.cancelled], [undefined, 0, true]);
  });

  it('shows every example once per epoch, in another order each time, the last batch as small as it falls', async () => {
    const training = new MadeExamples(21, 1);
    await run({ training, recipe: { ...recipe, epochs: 2 } });
    const orders = [1, 2].map((epoch) =>
      training.asked.filter((batch) => batch.epoch === epoch).map(({ indices }) => indices),
    );
    for (const batches of orders) {
      assert.deepEqual(
        batches.map(({ length }) => length),
        [8, 8, 5],
      );
      assert.deepEqual(
        batches.flat().sort((a, b) => a - b),
        Array.from({ length: 21 }, (_, i) => i),
      );
    }
    assert.notDeepEqual(orders[0], orders[1]);
  });

  it('weighs the rarer class up: negatives by positives', async () => {
    const { engine } = await runScript([right]);
    // Seven of 21 are Deepfake.
    assert.ok(engine.settings.every(({ positiveWeight }) => positiveWeight === 2));
  });

  it('drops a quarter of the channels and scales the others up', async () => {
    const { engine } = await runScript(new Array(40).fill(right));
    const mask = engine.batches.flatMap(({ dropoutMask }) => [...dropoutMask]);
    const dropped = mask.filter((value) => value === 0).length / mask.length;
    assert.ok(Math.abs(dropped - 0.25) < 0.03, `${dropped}`);
    assert.deepEqual([...new Set(mask)].sort(), [0, Math.fround(4 / 3)]);
    assert.notDeepEqual(engine.batches[0].dropoutMask, engine.batches[3].dropoutMask);
  });

  it('reports the mean loss over the examples', async () => {
    const { reports } = await runScript([right, wrong]);
    assert.deepEqual(
      reports.map(({ epoch, epochs, loss, valAccuracy, valEer }) => ({
        epoch,
        epochs,
        loss,
        valAccuracy,
        valEer,
      })),
      [
        { epoch: 1, epochs: 2, loss: 0.5, valAccuracy: 1, valEer: 0 },
        { epoch: 2, epochs: 2, loss: 0.5, valAccuracy: 0, valEer: 1 },
      ],
    );
  });

  it('passes an error of the data on', async () => {
    const training = new MadeExamples(21, 1);
    training.batch = async () => {
      throw new Error('the disk is gone');
    };
    await assert.rejects(run({ training }), /the disk is gone/);
  });
});

describe('a run that goes on from a state', () => {
  const averaging: Recipe = { ...recipe, epochs: 3, averaging: 0.9, schedule: 'one-cycle' };
  /** What a run ends with, and every state on the way, as it comes back from the disk. */
  const runAndSave = async (changes: Partial<Parameters<typeof trainNetwork>[0]> = {}) => {
    const folder = await mkdtemp(join(states, 'run-'));
    const saved: RunState[] = [];
    const reports: Partial<EpochReport>[] = [];
    const outcome = await run({
      stateInterval: 0,
      onState: async (state) => {
        await writeRun(folder, { description: {}, threads: 1 }, architecture, state);
        const back = await unfinishedRun(folder);
        assert.ok(back);
        saved.push(back.state(architecture));
      },
      onEpoch: ({ examplesPerSecond: _, ...report }) => void reports.push(report),
      ...changes,
    });
    return { outcome, saved, reports };
  };

  for (const [name, changed] of [
    ['that averages its weights', averaging],
    ['that stops early', { ...recipe, learningRate: 0.1, patience: 1, epochs: 20 }],
  ] as const) {
    it(`ends as the unbroken one ${name}, whichever step it goes on after`, async () => {
      const unbroken = await runAndSave({ recipe: changed });
      const stepsRun = 3 * unbroken.outcome.epochsRun;
      // One after each step and one after each epoch.
      assert.equal(unbroken.saved.length, stepsRun + unbroken.outcome.epochsRun);
      if (changed.patience > 0)
        assert.ok(unbroken.outcome.epochsRun < changed.epochs, 'it did not stop early');
      for (const state of unbroken.saved) {
        const { outcome, reports } = await runAndSave({ recipe: changed, resume: structuredClone(state) });
        const position = `after epoch ${state.epoch - 1} and batch ${state.batch}`;
        assert.deepEqual(outcome.best, unbroken.outcome.best, position);
        assert.equal(outcome.epochsRun, unbroken.outcome.epochsRun, position);
        assert.deepEqual(reports, unbroken.reports.slice(state.epoch - 1), position);
      }
    });
  }

  it('has the state of its last step when it is cancelled, in an epoch or while validating', async () => {
    const unbroken = await runAndSave({ recipe: averaging });
    // 120 windows are scored in two batches.
    const validation = new MadeExamples(90, 2).stored;
    for (const [cancelled, call] of [
      ['onStep', 2],
      ['onValidation', 1],
    ] as const) {
      const abort = new AbortController();
      let calls = 0;
      const first = await runAndSave({
        recipe: averaging,
        stateInterval: Number.POSITIVE_INFINITY,
        signal: abort.signal,
        [cancelled]: () => {
          if (++calls === call) abort.abort();
        },
        validation,
      });
      assert.equal(first.outcome.cancelled, true);
      const state = first.saved[first.saved.length - 1];
      assert.deepEqual([state.epoch, state.batch], cancelled === 'onStep' ? [1, 2] : [1, 3]);
      const { outcome } = await runAndSave({ recipe: averaging, resume: state });
      assert.deepEqual(outcome.best, unbroken.outcome.best);
    }
  });

  it('passes a failure to save on', async () => {
    const onState = async () => {
      throw new Error('the disk is full');
    };
    await assert.rejects(run({ onState }), /the disk is full/);
  });
});

describe('validation', () => {
  it('scores a clip by the mean logit of its windows, in batches of any size', async () => {
    const examples = new MadeExamples(150, 3);
    const engine = new OnnxRuntimeEngine({ threads: 1 });
    const { best } = await run();
    const state = best?.state as StateDict;
    const { logits } = await validate(engine, shape, state, examples.stored);
    const inference = await engine.createInference(shape, state);
    for (const clip of [0, 1, 63, 64, 149]) {
      const windows = examples.windows[clip];
      const scores = await inference.score(await examples.read(windows), windows.length);
      const mean = scores.logits.reduce((sum, logit) => sum + logit, 0) / windows.length;
      assert.ok(Math.abs(logits[clip] - mean) < 1e-5, `clip ${clip}: ${logits[clip]}, not ${mean}`);
    }
    await inference.dispose();
  });
});

describe('the learning rate', () => {
  const factor = (step: number, total: number) => rateFactor({ schedule: 'one-cycle' }, step, total);

  it('is constant where the recipe says so', () => {
    for (const step of [0, 5, 99]) assert.equal(rateFactor({ schedule: 'constant' }, step, 100), 1);
  });

  it('runs through one cycle: from a 25th up to the peak at 30 % and down to a 10,000th of the start', () => {
    assert.ok(Math.abs(factor(0, 1000) - 1 / 25) < 1e-12);
    assert.equal(factor(300, 1000), 1);
    assert.ok(Math.abs(factor(150, 1000) - (1 + 1 / 25) / 2) < 1e-12);
    assert.ok(Math.abs(factor(1000, 1000) - 1 / 25 / 1e4) < 1e-12);
    for (let step = 1; step <= 1000; step++) {
      const rises = factor(step, 1000) > factor(step - 1, 1000);
      assert.equal(rises, step <= 300, `step ${step}`);
    }
  });

  it('stays within bounds however short the run is', () => {
    for (let total = 1; total < 6; total++) {
      for (let step = 0; step < total; step++) {
        const value = factor(step, total);
        assert.ok(value > 0 && value <= 1, `${value} at step ${step} of ${total}`);
      }
    }
  });

  it('reaches the engine', async () => {
    const { engine } = await runScript(new Array(4).fill(right), {
      schedule: 'one-cycle',
      learningRate: 0.5,
    });
    assert.deepEqual(
      engine.settings.map(({ learningRate }) => learningRate),
      Array.from({ length: 12 }, (_, step) => 0.5 * factor(step, 12)),
    );
  });
});
