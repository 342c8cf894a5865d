import { writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type LoadedAudio,
  loadAudio,
  type SampleReceiver,
  streamAudio,
} from '../../daemon/audio/loadAudio.ts';
import { discoverDataset } from '../../daemon/dataset/manifest.ts';
import { unpackZip } from '../../daemon/dataset/unpackZip.ts';
import { readModel } from '../../daemon/model/checkpoint.ts';
import { parseModelConfig } from '../../daemon/model/modelConfig.ts';
import { isWholeStore } from '../../daemon/scan/resultStore.ts';
import { readRecipe } from '../../daemon/training/recipe.ts';
import { STATE_NAME, unfinishedRun } from '../../daemon/training/trainingState.ts';
import { DeepfakeError } from '../../shared/errors.ts';
import { smallConfig, smallConfigText } from './seeds.ts';

/** Reads one input in `folder`, which is its own, the way the product does. Throws what the product throws, or `Wrong`. */
type Reader = (bytes: Uint8Array, folder: string) => Promise<void>;

/** A success that cannot be right. */
class Wrong extends Error {}

const require = (right: boolean, what: string) => {
  if (!right) throw new Wrong(what);
};

/** In-process decoders only: another program is not what is tried here. */
const NO_FFMPEG = 'no-ffmpeg-here';
const LONGEST_SECONDS = 4 * 3600 + 1;

function audio(extension: string): Reader {
  return async (bytes, folder) => {
    const path = join(folder, `input.${extension}`);
    writeFileSync(path, bytes);
    const options = { ffmpegPath: NO_FFMPEG };
    // Both ways in, whichever the bytes decide.
    if (bytes.length % 2 === 0) {
      const { samples, facts } = await loadAudio(path, options);
      requireSound(samples);
      requireFacts(facts, samples.length);
      return;
    }
    let pushed = 0;
    const start = (): SampleReceiver => ({
      push(samples) {
        pushed += samples.length;
        requireSound(samples);
      },
      ready: async () => {},
    });
    const { facts, length } = await streamAudio(path, options, start);
    requireFacts(facts, length);
    require(Math.abs(pushed - length) <= 64, `${pushed} samples were pushed where ${length} were promised`);
  };
}

function requireSound(samples: Float32Array): void {
  for (const sample of samples) if (!Number.isFinite(sample)) throw new Wrong(`a sample is ${sample}`);
}

function requireFacts({ sampleRate, channels, duration }: LoadedAudio['facts'], length: number): void {
  require(Number.isInteger(sampleRate) &&
    sampleRate > 0 &&
    sampleRate <= 768_000, `the sample rate is ${sampleRate}`);
  require(Number.isInteger(channels) && channels > 0 && channels <= 256, `there are ${channels} channels`);
  require(duration > 0 && duration < LONGEST_SECONDS, `it lasts ${duration} s`);
  require(length > 0, `there are ${length} samples`);
  require(Math.abs(length / 16_000 - duration) < 0.01, `${length} samples are said to last ${duration} s`);
}

const checkpoint =
  (extension: string): Reader =>
  async (bytes, folder) => {
    const path = join(folder, `input.${extension}`);
    const config = join(folder, 'model_config.json');
    writeFileSync(path, bytes);
    writeFileSync(config, smallConfigText);
    const { state } = await readModel(path, config);
    for (const [name, { data }] of state)
      require(data.every(Number.isFinite), `tensor ${name} is not finite`);
  };

/** Every number that a file has led to is one. */
function requireNumbers(value: unknown): void {
  if (typeof value === 'number') require(Number.isFinite(value), `it holds ${value}`);
  else if (value !== null && typeof value === 'object') Object.values(value).forEach(requireNumbers);
}

export const decoders: Record<string, Reader> = {
  wav: audio('wav'),
  mp3: audio('mp3'),
  flac: audio('flac'),
  ogg: audio('ogg'),
  aac: audio('aac'),
  m4a: audio('m4a'),
};

export const readers: Record<string, Reader> = {
  ...decoders,
  safetensors: checkpoint('safetensors'),
  pth: checkpoint('pth'),
  config: async (bytes, folder) => {
    const { training: _, ...config } = parseModelConfig(
      Buffer.from(bytes).toString(),
      join(folder, 'model_config.json'),
    );
    requireNumbers(config);
  },
  recipe: async (bytes, folder) => {
    const path = join(folder, 'recipe.json');
    writeFileSync(path, bytes);
    requireNumbers(await readRecipe(path));
  },
  metadata: async (bytes, folder) => {
    const root = join(folder, 'set');
    await mkdir(join(root, 'sub'), { recursive: true });
    for (const name of ['a.wav', 'sub/b.wav', 'sub/c.wav', 'd.wav']) writeFileSync(join(root, name), '');
    writeFileSync(join(root, 'labels.csv'), bytes);
    const { clips } = await discoverDataset(root);
    require(clips.length === 4, `there are ${clips.length} clips`);
    require(clips.some(({ label }) => label === 0) &&
      clips.some(({ label }) => label === 1), 'a class is missing');
  },
  zip: async (bytes, folder) => {
    const target = join(folder, 'unpacked');
    await rm(target, { recursive: true, force: true });
    await mkdir(target, { recursive: true });
    const archive = join(folder, 'input.zip');
    writeFileSync(archive, bytes);
    try {
      await unpackZip(archive, target);
    } finally {
      const beside = await readdir(folder);
      require(beside.length === 2, `something was written outside: ${beside}`);
      let total = 0;
      for (const entry of await readdir(target, { recursive: true, withFileTypes: true })) {
        require(entry.isFile() || entry.isDirectory(), `${entry.name} is no regular file`);
        if (entry.isFile())
          total += (await readFile(join(entry.parentPath ?? entry.path, entry.name))).length;
      }
      require(total <= 100 * bytes.length, `it unfolded to ${total} bytes`);
    }
  },
  store: async (bytes, folder) => {
    const path = join(folder, 'results.mdb');
    writeFileSync(path, bytes);
    // Another kind of file, for which `ResultStore.open` has a sentence.
    await isWholeStore(path).catch((error) => require(error instanceof RangeError, String(error)));
  },
  trainingState: async (bytes, folder) => {
    writeFileSync(join(folder, STATE_NAME), bytes);
    const run = await unfinishedRun(folder);
    if (run === undefined) throw new Wrong('it was not seen');
    const { network, epoch, batch, lossSum, best } = run.state(smallConfig.architecture);
    requireNumbers({ epoch, batch, lossSum, step: network.step, figures: best?.validation.eer });
    for (const vector of [network.parameters, network.moment1, network.moment2, network.statistics])
      require(vector.every(Number.isFinite), 'it holds values that are not finite');
  },
};

/** Messages that a programmer's mistake leaves behind. */
const INTERNAL =
  /cannot (read|set|convert|destructure|mix)|is not (a function|iterable|a constructor|defined)|undefined|\bNaN\b|invalid (array|typed array|string) length|out of (bounds|range)|outside the bounds|maximum call stack|ERR_|allocation failed/i;

/** Why what a reader did is a finding; undefined where input was refused as it should be. */
export function faultOf(error: unknown): string | undefined {
  if (!(error instanceof DeepfakeError))
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  if (!isSentence(error.message)) return `no plain sentence: ${error.message}`;
  const { cause } = error;
  if (cause instanceof TypeError || cause instanceof ReferenceError)
    return `hides ${cause.name}: ${cause.message}`;
  return undefined;
}

/** One line that ends as a sentence and does not speak of the program's inside. */
export const isSentence = (message: string): boolean =>
  /^[^\n]+[.)]$/.test(message) &&
  !INTERNAL.test(message.replace(/received (undefined|NaN)|\(.*JSON.*\)/g, ''));

/** Tries one input; the finding, where it is one. */
export async function tryInput(
  reader: string,
  bytes: Uint8Array,
  folder: string,
): Promise<string | undefined> {
  try {
    await readers[reader](bytes, folder);
    return undefined;
  } catch (error) {
    // What is thrown while sound comes passes through the product's own explanations.
    const wrong = [error, (error as Error).cause].find((reason) => reason instanceof Wrong);
    return wrong === undefined ? faultOf(error) : `wrong success: ${wrong.message}`;
  }
}
