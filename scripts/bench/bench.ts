// npm run bench [-- --json] [--seconds S] [--rounds R]: this project against PyTorch and librosa, in turns, on this machine.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { frameCount, referenceFeatures, windowLength } from '../../daemon/features/featureConfig.ts';
import { LogSpectrogram } from '../../daemon/features/logSpectrogram.ts';
import {
  flatten,
  initialState,
  referenceArchitecture,
  statisticTensors,
  trainableTensors,
} from '../../daemon/model/audioCnn.ts';
import { OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import { distFile, packageRoot } from '../../daemon/paths.ts';
import { seededRandom } from '../../daemon/random.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    python: { type: 'string', default: process.env.PYTHON ?? 'python3' },
  },
});
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);
const threads = availableParallelism();
const BATCH = 32;
const shape = {
  architecture: referenceArchitecture,
  bands: referenceFeatures.nMels,
  frames: frameCount(referenceFeatures),
};
const sample = join(packageRoot, 'media', 'samples', 'genuine-man-italian.wav');

/** One figure: ours and the reference's way to get it, both in items per second. */
interface Measure {
  name: string;
  unit: string;
  ours: () => Promise<number>;
  reference: () => Promise<number>;
}

const random = seededRandom(1);
const noise = (length: number) => Float32Array.from({ length }, () => 2 * uniformFloat64(random) - 1);
const batchFeatures = noise(BATCH * shape.bands * shape.frames);
const state = initialState(shape.architecture, random);
const engine = new OnnxRuntimeEngine({ threads });
const inference = await engine.createInference(shape, state);
const spectrogram = await LogSpectrogram.create(referenceFeatures);
const clip = noise(windowLength(referenceFeatures));
const parameters = flatten(state, trainableTensors(shape.architecture));
const training = await engine.createTraining(shape, {
  parameters,
  moment1: new Float32Array(parameters.length),
  moment2: new Float32Array(parameters.length),
  statistics: flatten(state, statisticTensors(shape.architecture)),
  step: 0,
});
const labels = Float32Array.from({ length: BATCH }, (_, i) => i % 2);
const dropoutMask = new Float32Array(BATCH * 64).fill(1);
const settings = { learningRate: 1e-3, weightDecay: 1e-4, positiveWeight: 1 };

const reference = await startReference();
if (reference === undefined) {
  console.error(
    `PyTorch and librosa were not found with "${values.python}"; only our figures follow. To compare:\n` +
      '  python3 -m venv venv && venv/bin/pip install torch librosa\n' +
      '  npm run bench -- --python venv/bin/python',
  );
}
const ask = (request: Record<string, unknown>) => async () =>
  reference === undefined ? Number.NaN : reference.measure({ ...request, seconds, threads });

const one = batchFeatures.slice(0, shape.bands * shape.frames);
const trainOurs = () =>
  rateOf(() => training.step({ features: batchFeatures, labels, dropoutMask }, settings), BATCH);
const inferOurs = () => rateOf(() => inference.score(batchFeatures, BATCH), BATCH);
const latencyOurs = () => rateOf(() => inference.score(one, 1), 1);
const measures: Measure[] = [
  {
    name: 'training, batch 32, against the default layout',
    unit: 'examples/s',
    ours: trainOurs,
    reference: ask({ measure: 'training', batch: BATCH, channelsLast: false }),
  },
  {
    name: 'training, batch 32, against channels_last',
    unit: 'examples/s',
    ours: trainOurs,
    reference: ask({ measure: 'training', batch: BATCH, channelsLast: true }),
  },
  {
    name: 'inference, batch 32, against the default layout',
    unit: 'clips/s',
    ours: inferOurs,
    reference: ask({ measure: 'inference', batch: BATCH, channelsLast: false }),
  },
  {
    name: 'inference, batch 32, against channels_last',
    unit: 'clips/s',
    ours: inferOurs,
    reference: ask({ measure: 'inference', batch: BATCH, channelsLast: true }),
  },
  {
    name: 'single clip, against the default layout',
    unit: 'clips/s',
    ours: latencyOurs,
    reference: ask({ measure: 'inference', batch: 1, channelsLast: false }),
  },
  {
    name: 'single clip, against channels_last',
    unit: 'clips/s',
    ours: latencyOurs,
    reference: ask({ measure: 'inference', batch: 1, channelsLast: true }),
  },
  {
    name: 'log-mel features of 4 s, one thread',
    unit: 'clips/s',
    ours: () => rateOf(async () => spectrogram.features(clip), 1),
    reference: ask({ measure: 'features' }),
  },
  {
    name: 'predict from process start to answer',
    unit: 'runs/s',
    ours: async () => runsPerSecond(process.execPath, [distFile('cli.js'), 'predict', sample]),
    reference: async () =>
      reference === undefined
        ? Number.NaN
        : runsPerSecond(values.python, [
            join(packageRoot, 'scripts', 'bench', 'predict_reference.py'),
            sample,
          ]),
  },
];

const results = [];
for (const measure of measures) {
  const pairs: [number, number][] = [];
  for (let round = 0; round < rounds; round++) {
    console.error(`${measure.name}: round ${round + 1} of ${rounds}`);
    pairs.push([await measure.ours(), await measure.reference()]);
  }
  results.push({
    measure: measure.name,
    unit: measure.unit,
    ours: median(pairs.map(([ours]) => ours)),
    reference: median(pairs.map(([, theirs]) => theirs)),
    // The ratio of each pair of neighbours, because the machine's speed drifts.
    ratio: median(pairs.map(([ours, theirs]) => ours / theirs)),
    ratios: pairs.map(([ours, theirs]) => ours / theirs),
  });
}
reference?.close();
await training.dispose();
await inference.dispose();

const machine = `${cpus()[0].model}, ${threads} threads, Node ${process.versions.node}, ONNX Runtime, rounds of ${seconds} s`;
if (values.json) {
  console.log(
    JSON.stringify({ machine, reference: reference?.versions ?? null, measures: results }, null, 2),
  );
} else {
  const table = new Table({
    head: ['Measure', 'Unit', 'Ours', 'Reference', 'Ratio'],
    style: { head: [], border: [] },
  });
  for (const { measure, unit, ours, reference: theirs, ratio } of results) {
    table.push([
      measure,
      unit,
      figure(ours),
      figure(theirs),
      Number.isNaN(ratio) ? '–' : `${ratio.toFixed(2)} ×`,
    ]);
  }
  console.log(table.toString());
  console.log(
    `${machine}; ${reference?.versions ?? 'no reference'}. Medians of ${rounds} rounds, ratios pair by pair.`,
  );
}

function figure(value: number): string {
  if (Number.isNaN(value)) return '–';
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function median(sorted: number[]): number {
  return [...sorted].sort((a, b) => a - b)[Math.floor(sorted.length / 2)];
}

/** Items per second: the median over repetitions that fill the round, after three that are not counted. */
async function rateOf(work: () => Promise<unknown>, items: number): Promise<number> {
  for (let i = 0; i < 3; i++) await work();
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end || times.length < 3) {
    const start = performance.now();
    await work();
    times.push((performance.now() - start) / 1000);
  }
  return items / median(times);
}

function runsPerSecond(program: string, args: string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
  return 1000 / (performance.now() - start);
}

interface Reference {
  versions: string;
  measure(request: Record<string, unknown>): Promise<number>;
  close(): void;
}

/** Starts the Python side; undefined where it has not what it needs. */
async function startReference(): Promise<Reference | undefined> {
  const script = join(packageRoot, 'scripts', 'bench', 'reference.py');
  if (!existsSync(script)) return undefined;
  const child = spawn(values.python, [script], { stdio: ['pipe', 'pipe', 'ignore'] });
  const failed = new Promise<undefined>((resolve) => child.once('error', () => resolve(undefined)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await Promise.race([failed, lines.next()]);
  if (first === undefined || first.done) return undefined;
  const { versions } = JSON.parse(first.value) as { versions: string };
  return {
    versions,
    async measure(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const answer = await lines.next();
      if (answer.done) throw new Error('The Python process ended.');
      return (JSON.parse(answer.value) as { rate: number }).rate;
    },
    close: () => child.stdin.end(),
  };
}
