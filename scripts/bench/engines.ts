// npm run bench -- engines [--json] [--seconds S] [--rounds R]: the engines and devices that this machine has, in turns.
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { frameCount, referenceFeatures } from '../../daemon/features/featureConfig.ts';
import { initialState, referenceArchitecture, trainingStart } from '../../daemon/model/audioCnn.ts';
import { type EngineOptions, openEngine } from '../../daemon/model/engines.ts';
import { seededRandom } from '../../daemon/random.ts';
import { DeepfakeError } from '../../shared/errors.ts';
import { figure, itemsPerSecond, median } from './rate.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
  },
});
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);
const BATCH = 32;
const architecture = referenceArchitecture;
const bands = referenceFeatures.nMels;
const frames = frameCount(referenceFeatures);
const shape = { architecture, bands, frames };

const random = seededRandom(1);
const features = Float32Array.from({ length: BATCH * bands * frames }, () => 2 * uniformFloat64(random) - 1);
const one = features.slice(0, bands * frames);
const state = initialState(architecture, random);
const batch = {
  features,
  labels: Float32Array.from({ length: BATCH }, (_, i) => i % 2),
  dropoutMask: new Float32Array(BATCH * architecture.channels[architecture.channels.length - 1]).fill(1),
};
const settings = { learningRate: 1e-3, weightDecay: 1e-4, positiveWeight: 1 };

/** One engine on one device, ready to work. */
async function contestant(options: EngineOptions) {
  const engine = await openEngine(options, console.error);
  const inference = await engine.createInference(shape, state);
  const training = await engine.createTraining(shape, trainingStart(architecture, state));
  const firstLoss = await training.step(batch, settings);
  const { logits } = await inference.score(features, BATCH);
  return {
    ...engine.facts,
    logits: logits.slice(),
    firstLoss,
    rates: {
      training: () => itemsPerSecond(() => training.step(batch, settings), BATCH, seconds),
      inference: () => itemsPerSecond(() => inference.score(features, BATCH), BATCH, seconds),
      single: () => itemsPerSecond(() => inference.score(one, 1), 1, seconds),
    },
  };
}
const MEASURES = ['training', 'inference', 'single'] as const;

const contestants: Awaited<ReturnType<typeof contestant>>[] = [];
const absent: string[] = [];
for (const options of [
  { engine: 'onnxruntime' },
  { engine: 'onnxruntime', device: 'webgpu' },
  { engine: 'onnxruntime', device: 'cuda' },
  { engine: 'onnxruntime-web' },
  { engine: 'tfjs' },
] satisfies EngineOptions[]) {
  try {
    contestants.push(await contestant(options));
  } catch (error) {
    if (!(error instanceof DeepfakeError)) throw error;
    absent.push(error.message);
  }
}

const rates = contestants.map(
  () => ({ training: [], inference: [], single: [] }) as Record<string, number[]>,
);
for (let round = 0; round < rounds; round++) {
  for (const measure of MEASURES) {
    console.error(`${measure}: round ${round + 1} of ${rounds}`);
    for (const [i, { rates: take }] of contestants.entries()) rates[i][measure].push(await take[measure]());
  }
}
const [native] = contestants;
const results = contestants.map(({ name, device, logits, firstLoss }, i) => ({
  engine: name,
  device,
  trainingExamplesPerSecond: median(rates[i].training),
  inferenceClipsPerSecond: median(rates[i].inference),
  singleClipsPerSecond: median(rates[i].single),
  // Against the first one, ONNX Runtime on the CPU.
  largestLogitDifference: Math.max(...logits.map((logit, clip) => Math.abs(logit - native.logits[clip]))),
  lossDifference: Math.abs(firstLoss - native.firstLoss),
}));

const machine = `${cpus()[0].model}, ${availableParallelism()} threads, Node ${process.versions.node}, batches of ${BATCH}, medians of ${rounds} rounds of ${seconds} s`;
if (values.json) {
  console.log(JSON.stringify({ machine, engines: results, absent }, null, 2));
} else {
  const table = new Table({
    head: [
      'Engine',
      'Device',
      'Training, examples/s',
      'Inference, clips/s',
      'Single clips/s',
      'Logits differ',
      'Loss differs',
    ],
    style: { head: [], border: [] },
  });
  for (const result of results) {
    table.push([
      result.engine,
      result.device,
      figure(result.trainingExamplesPerSecond),
      figure(result.inferenceClipsPerSecond),
      figure(result.singleClipsPerSecond),
      result.largestLogitDifference.toExponential(1),
      result.lossDifference.toExponential(1),
    ]);
  }
  console.log(table.toString());
  for (const reason of absent) console.log(`Not measured: ${reason}`);
  console.log(machine);
}
process.exit();
