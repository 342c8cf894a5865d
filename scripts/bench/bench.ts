// npm run bench [-- --json] [--seconds S] [--rounds R] [--wav N] [--mp3 N] [--python PYTHON]: this project against PyTorch and
// librosa, in turns, on this machine. N: files to scan.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { frameCount, referenceFeatures, windowLength } from '../../daemon/features/featureConfig.ts';
import { LogSpectrogram } from '../../daemon/features/logSpectrogram.ts';
import { initialState, referenceArchitecture, trainingStart } from '../../daemon/model/audioCnn.ts';
import { OnnxGraph } from '../../daemon/model/onnxGraph.ts';
import { OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import { distFile, packageRoot } from '../../daemon/paths.ts';
import { seededRandom } from '../../daemon/random.ts';
import { figure, itemsPerSecond, median } from './rate.ts';
import { generateMp3, generateWav, type Pass, pythonPass, scanPass } from './scanning.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    wav: { type: 'string', default: '120' },
    mp3: { type: 'string', default: '40' },
    python: { type: 'string', default: process.env.PYTHON ?? 'python3' },
  },
});
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);
const threads = availableParallelism();
const BATCH = 32;
/** Rows and columns of the matrices whose product stands for the machine's peak. */
const MATRIX = 1024;
const shape = {
  architecture: referenceArchitecture,
  bands: referenceFeatures.nMels,
  frames: frameCount(referenceFeatures),
};
const sample = join(packageRoot, 'media', 'samples', 'genuine-man-italian.wav');

/** Items per second of the clock, and per second of a core where that is known. */
interface Rate {
  perSecond: number;
  perCoreSecond?: number;
}
/** Where there is nothing to compare with. */
const NONE: Rate = { perSecond: Number.NaN };

/** One figure: ours and the reference's way to get it. */
interface Measure {
  name: string;
  unit: string;
  ours: () => Promise<Rate>;
  reference: () => Promise<Rate>;
  /** Multiplications and additions of one item's convolutions, for the share of the machine's peak. */
  operations?: number;
}

const random = seededRandom(1);
const noise = (length: number) => Float32Array.from({ length }, () => 2 * uniformFloat64(random) - 1);
const batchFeatures = noise(BATCH * shape.bands * shape.frames);
const state = initialState(shape.architecture, random);
const engine = new OnnxRuntimeEngine({ threads });
const inference = await engine.createInference(shape, state);
const spectrogram = await LogSpectrogram.create(referenceFeatures);
const clip = noise(windowLength(referenceFeatures));
const training = await engine.createTraining(shape, trainingStart(shape.architecture, state));
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
  reference === undefined ? NONE : reference.measure({ ...request, seconds, threads });

/** Multiplications and additions of each block's convolution of one clip. */
const blockOperations = shape.architecture.channels.map((channels, block, all) => {
  const taps = 9 * (block === 0 ? 1 : all[block - 1]);
  return 2 * taps * channels * (shape.bands >> block) * (shape.frames >> block);
});
const matrixProduct = await openMatrixProduct();

const one = batchFeatures.slice(0, shape.bands * shape.frames);
/** Each of these against both memory layouts of PyTorch. */
const networkMeasures: (Omit<Measure, 'reference'> & { request: object })[] = [
  {
    name: `training, batch ${BATCH}`,
    unit: 'examples/s',
    ours: () =>
      rateOf(() => training.step({ features: batchFeatures, labels, dropoutMask }, settings), BATCH),
    request: { measure: 'training', batch: BATCH },
    // Forward, the gradient by the weights, and, but for the first block, the gradient by the input.
    operations: 3 * sum(blockOperations) - blockOperations[0],
  },
  {
    name: `inference, batch ${BATCH}`,
    unit: 'clips/s',
    ours: () => rateOf(() => inference.score(batchFeatures, BATCH), BATCH),
    request: { measure: 'inference', batch: BATCH },
    operations: sum(blockOperations),
  },
  {
    name: 'single clip',
    unit: 'clips/s',
    ours: () => rateOf(() => inference.score(one, 1), 1),
    request: { measure: 'inference', batch: 1 },
  },
];
const folder = await mkdtemp(join(tmpdir(), 'deepfake-bench-'));
const measures: Measure[] = [
  ...networkMeasures.flatMap(({ name, request, ...measure }) =>
    [false, true].map((channelsLast) => ({
      ...measure,
      name: `${name}, against ${channelsLast ? 'channels_last' : 'the default layout'}`,
      reference: ask({ ...request, channelsLast }),
    })),
  ),
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
        ? NONE
        : runsPerSecond(values.python, [
            join(packageRoot, 'scripts', 'bench', 'predict_reference.py'),
            sample,
          ]),
  },
  ...(await scanMeasures('4-s 16-kHz WAV', Number(values.wav), (to, count) => generateWav(to, count, noise))),
  ...(await scanMeasures('30-s 44.1-kHz MP3', Number(values.mp3), generateMp3)),
];

const results = [];
for (const measure of measures) {
  const pairs: [Rate, Rate][] = [];
  const peakShares: number[] = [];
  for (let round = 0; round < rounds; round++) {
    console.error(`${measure.name}: round ${round + 1} of ${rounds}`);
    const ours = await measure.ours();
    if (measure.operations !== undefined) {
      const peak = (await rateOf(matrixProduct, 2 * MATRIX ** 3)).perSecond;
      peakShares.push((ours.perSecond * measure.operations) / peak);
    }
    pairs.push([ours, await measure.reference()]);
  }
  // The ratio of each pair of neighbours, because the machine's speed drifts.
  const ratios = pairs.map(([ours, theirs]) => ours.perSecond / theirs.perSecond);
  const coreRatios = pairs.map(
    ([ours, theirs]) => (ours.perCoreSecond ?? NaN) / (theirs.perCoreSecond ?? NaN),
  );
  results.push({
    measure: measure.name,
    unit: measure.unit,
    ours: median(pairs.map(([ours]) => ours.perSecond)),
    reference: median(pairs.map(([, theirs]) => theirs.perSecond)),
    ratio: median(ratios),
    ratios,
    ...(Number.isNaN(coreRatios[0]) ? {} : { coreTimeRatio: median(coreRatios) }),
    ...(peakShares.length === 0 ? {} : { peakShare: median(peakShares) }),
  });
}
reference?.close();
await training.dispose();
await inference.dispose();
await rm(folder, { recursive: true });

const machine = `${cpus()[0].model}, ${threads} threads, Node ${process.versions.node}, ONNX Runtime, rounds of ${seconds} s`;
if (values.json) {
  console.log(
    JSON.stringify({ machine, reference: reference?.versions ?? null, measures: results }, null, 2),
  );
} else {
  const table = new Table({
    head: ['Measure', 'Unit', 'Ours', 'Reference', 'Ratio', 'By core time', 'Of peak'],
    style: { head: [], border: [] },
  });
  for (const result of results) {
    const { measure, unit, ours, reference: theirs, ratio, coreTimeRatio = NaN, peakShare } = result;
    const share = peakShare === undefined ? '–' : `${(100 * peakShare).toFixed(0)} %`;
    table.push([measure, unit, figure(ours), figure(theirs), times(ratio), times(coreTimeRatio), share]);
  }
  console.log(table.toString());
  console.log(
    `${machine}; ${reference?.versions ?? 'no reference'}. Medians of ${rounds} rounds, ratios pair by pair. ` +
      `Peak: a product of ${MATRIX} × ${MATRIX} matrices.`,
  );
}

/** What the machine can do at best, as far as this runtime knows: products of large matrices on the same threads. */
async function openMatrixProduct(): Promise<() => Promise<unknown>> {
  const graph = new OnnxGraph();
  const dims = [MATRIX, MATRIX];
  graph.output('product', graph.matmul(graph.input('a', dims), graph.input('b', dims)), dims);
  const session = await InferenceSession.create(graph.toBytes(), {
    intraOpNumThreads: threads,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const factor = new Tensor('float32', noise(MATRIX ** 2), dims);
  return () => session.run({ a: factor, b: factor });
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function times(ratio: number): string {
  return Number.isNaN(ratio) ? '–' : `${ratio.toFixed(2)} ×`;
}

async function rateOf(work: () => Promise<unknown>, items: number): Promise<Rate> {
  return { perSecond: await itemsPerSecond(work, items, seconds) };
}

function runsPerSecond(program: string, args: string[]): Rate {
  const start = performance.now();
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
  return { perSecond: 1000 / (performance.now() - start) };
}

/** Scans of whole files and of first windows against the Python loop over first windows; none where the clips cannot be made. */
async function scanMeasures(
  kind: string,
  count: number,
  generate: (folder: string, count: number) => Promise<void>,
): Promise<Measure[]> {
  const clips = join(folder, kind);
  try {
    await generate(clips, count);
  } catch {
    console.error(`No ${kind} files can be made here (that takes ffmpeg), so scans of them are left out.`);
    return [];
  }
  const rate = ({ seconds, cpu }: Pass): Rate => ({
    perSecond: count / seconds,
    ...(cpu === undefined ? {} : { perCoreSecond: count / cpu }),
  });
  return [
    { what: 'whole files', options: [] },
    { what: 'first windows', options: ['--first-window'] },
  ].map(({ what, options }) => ({
    name: `scan of ${count} ${kind} files, ${what} against first windows`,
    unit: 'files/s',
    ours: async () => rate(await scanPass(clips, options)),
    reference: async () => (reference === undefined ? NONE : rate(await pythonPass(values.python, clips))),
  }));
}

interface Reference {
  versions: string;
  measure(request: Record<string, unknown>): Promise<Rate>;
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
      return { perSecond: JSON.parse(answer.value).rate };
    },
    close: () => child.stdin.end(),
  };
}
