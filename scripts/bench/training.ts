// One training run for training.mjs: how long the features take, how long an epoch, and whether the trainer waits for them.
import { parseArgs } from 'node:util';
import { discoverDataset } from '../../daemon/dataset/manifest.ts';
import { splitIntoParts } from '../../daemon/dataset/split.ts';
import { AnalysisPool } from '../../daemon/features/analysisPool.ts';
import type { Engine } from '../../daemon/model/engine.ts';
import { OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import { AugmentedExamples, StoredFeatures } from '../../daemon/training/examples.ts';
import { FeatureCache } from '../../daemon/training/featureCache.ts';
import { readRecipe } from '../../daemon/training/recipe.ts';
import { trainNetwork } from '../../daemon/training/trainer.ts';

const { values } = parseArgs({
  options: {
    'data-root': { type: 'string' },
    'feature-cache': { type: 'string', default: '' },
    recipe: { type: 'string', default: 'reference' },
    epochs: { type: 'string', default: '1' },
  },
});
const SEED = 42;
const recipe = { ...(await readRecipe(values.recipe)), epochs: Number(values.epochs) };
const since = (start: number) => (performance.now() - start) / 1000;
const say = (what: string, figure: string) => console.log(`  ${what.padEnd(42)} ${figure}`);
const memory = () => `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`;

let started = performance.now();
const manifest = await discoverDataset(values['data-root']);
const { training, validation } = splitIntoParts(manifest.clips, { valSize: 0.2, seed: SEED });
say('finding and splitting the clips', `${since(started).toFixed(1)} s`);

started = performance.now();
const cache = await FeatureCache.open(values['feature-cache']);
const pool = new AnalysisPool();
const options = { pool, features: recipe.features, cache };
const validationExamples = await StoredFeatures.prepare(validation, recipe.windows, options);
const trainingExamples =
  recipe.augmentation === null
    ? await StoredFeatures.prepare(training, { use: 'first', overlap: 0 }, options)
    : await AugmentedExamples.prepare(training, recipe.augmentation, SEED, options);
await pool.dispose();
say('preparing the features', `${since(started).toFixed(1)} s`);
say('peak memory until then', memory());

/** Seconds within steps, and between the first and the last one of an epoch. */
let busy = 0;
let firstStep: number | undefined;
let lastStep = 0;
const engine = timed(new OnnxRuntimeEngine());
started = performance.now();
await trainNetwork({
  recipe,
  engine,
  training: trainingExamples,
  validation: validationExamples,
  seed: SEED,
  onEpoch: ({ epoch, examplesPerSecond, valEer }) => {
    const between = (lastStep - (firstStep ?? lastStep)) / 1000;
    say(
      `epoch ${epoch} (${training.length} + ${validation.length} clips)`,
      `${since(started).toFixed(1)} s, ${examplesPerSecond.toFixed(0)} examples/s, EER ${(100 * valEer).toFixed(1)} %`,
    );
    say('  share of it between two steps', `${(100 * (1 - busy / between)).toFixed(1)} %`);
    started = performance.now();
    firstStep = undefined;
    busy = 0;
  },
});
say('peak memory', memory());
await validationExamples.dispose();
await trainingExamples.dispose();

/** The engine, with a clock on its training steps. */
function timed(inner: Engine): Engine {
  return {
    facts: inner.facts,
    createInference: (shape, state) => inner.createInference(shape, state),
    createTraining: async (shape, initial) => {
      const network = await inner.createTraining(shape, initial);
      const step = network.step.bind(network);
      network.step = async (batch, settings) => {
        const begun = performance.now();
        firstStep ??= begun;
        const loss = await step(batch, settings);
        lastStep = performance.now();
        busy += (lastStep - begun) / 1000;
        return loss;
      };
      return network;
    },
  };
}
