import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { referenceFeatures } from '../../daemon/features/featureConfig.ts';
import { initialState, statisticTensors, trainableTensors } from '../../daemon/model/audioCnn.ts';
import { formatModelConfig, type ModelConfig } from '../../daemon/model/modelConfig.ts';
import { writeSafetensors } from '../../daemon/model/safetensors.ts';
import { packageRoot } from '../../daemon/paths.ts';
import { seededRandom } from '../../daemon/random.ts';
import { STATE_NAME, writeRun } from '../../daemon/training/trainingState.ts';
import { bytesOf, chunk, wavFile } from '../../test/audio/wavFile.ts';
import { zipFile } from '../../test/dataset/zipFile.ts';
import { torchFile, torchStateDict } from '../../test/model/torchFile.ts';

/** The smallest network there is, so that most of a checkpoint's bytes say something. */
export const smallConfig: ModelConfig = {
  name: 'Small',
  features: referenceFeatures,
  architecture: { channels: [1, 2], dropout: 0.25 },
  threshold: 0.5,
  calibration: { scale: 1, offset: 0 },
  inconclusive: { low: 0.4, high: 0.6 },
  windows: { use: 'all', overlap: 0.5 },
};
export const smallConfigText = formatModelConfig(smallConfig);

const fixture = (name: string) => readFile(join(packageRoot, 'test', 'fixtures', 'audio', name));
/** The beginning of a sample clip: long files are slow to try. */
const sample = async (name: string, bytes: number) =>
  (await readFile(join(packageRoot, 'media', 'samples', name))).subarray(0, bytes);

const samples = Float32Array.from({ length: 800 }, (_, n) => 0.5 * Math.sin(n / 5));
const state = () => initialState(smallConfig.architecture, seededRandom(1));
const text = (...lines: unknown[]) => Buffer.from(lines.map((line) => String(line)).join('\n'));
const rpc = (method: string, params: unknown) =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: `deepfake/${method}`, params }));

/** What the damaged inputs of each reader are made from: whole files, and such as are refused for one reason only. */
export const seeds: Record<string, () => Promise<Uint8Array[]>> = {
  wav: async () => {
    const int16 = bytesOf(Int16Array.from(samples, (value) => Math.round(32767 * value)));
    const list = chunk('LIST', Buffer.from('INFOISFT\x04\0\0\0Lavf'));
    return [
      wavFile({ data: int16 }),
      wavFile({ data: int16, channels: 2, sampleRate: 44_100, before: list, after: list }),
      wavFile({ data: bytesOf(samples), format: 3, bits: 32 }),
      wavFile({ data: bytesOf(Float64Array.from(samples)), format: 3, bits: 64, sampleRate: 8000 }),
      wavFile({ data: int16.subarray(0, 1200), bits: 24, extensible: 1, sampleRate: 48_000 }),
      wavFile({ data: int16.subarray(0, 800), bits: 8, format: 7, sampleRate: 8000 }),
      wavFile({
        data: int16,
        riff: 'RF64',
        dataSize: 0xffff_ffff,
        before: chunk('ds64', bytesOf(BigUint64Array.of(2000n, BigInt(int16.length), 800n, 0n))),
      }),
    ];
  },
  mp3: async () => [
    await fixture('tone.mp3'),
    await sample('genuine-woman-russian.mp3', 6000),
    (await fixture('tone.mp3')).subarray(0, 3000),
  ],
  flac: async () => [await fixture('tone.flac'), await sample('genuine-woman-english.flac', 12_000)],
  ogg: async () => [
    await fixture('tone-vorbis.ogg'),
    await fixture('tone-opus.ogg'),
    await fixture('tone-flac.ogg'),
    await sample('genuine-woman-french.ogg', 8000),
  ],
  aac: async () => [
    await fixture('tone.aac'),
    await fixture('tone-he.aac'),
    (await fixture('tone.aac')).subarray(0, 3000),
  ],
  m4a: async () => [
    await fixture('tone.m4a'),
    await fixture('tone-he.m4a'),
    await fixture('tone-he-v2.m4a'),
    await fixture('tone-itunes.m4a'),
    await fixture('tone-fragmented.m4a'),
  ],
  safetensors: async () => [writeSafetensors(state(), new Map([['batches', 3]]))],
  pth: async () => {
    const { root, storages } = torchStateDict(Object.fromEntries(state()));
    return [torchFile(root, storages), await readFile(join(packageRoot, 'test', 'golden', 'torch_save.pth'))];
  },
  config: async () => [
    Buffer.from(smallConfigText),
    await readFile(join(packageRoot, 'models', 'model_config.json')),
  ],
  recipe: async () => [
    text(
      '{"extends":"default","name":"mine","epochs":3,"batch_size":4,"learning_rate":0.01,"averaging":0.9,',
      '"architecture":{"channels":[4,8],"dropout":0.1},"windows":{"use":"all","overlap":0.5},"keep":"last",',
      '"augmentation":{"crop":1,"noise":{"probability":0.3,"snr":[15,45]},"bandMask":{"probability":0.3,"bands":12}}}',
    ),
    text('{"extends":"reference","schedule":"one-cycle","augmentation":null,"calibrate":true}'),
  ],
  metadata: async () => [
    text('file,label', 'a.wav,genuine', 'b.wav,fake', 'sub/c.wav,spoof', 'd.wav,bonafide'),
    text('"path"\t"class"', '"a.wav"\t"real"', '"sub/b.wav"\t"fake"', '"c.wav"\t"fake"', 'd.wav\treal'),
    text(
      'LA_0001 a - - bonafide',
      'LA_0001 b - A01 spoof',
      'LA_0002 c - A02 spoof',
      'LA_0002 d - - bonafide',
    ),
  ],
  zip: async () => [
    zipFile([
      { name: 'real/', mode: 0o40755 },
      { name: 'real/a.wav', content: 'sound'.repeat(20), deflate: true },
      { name: 'fake/b.wav', content: 'other', mode: 0o100644 },
    ]),
    zipFile([{ name: 'a/b/c.txt', content: Buffer.alloc(3000), deflate: true }]),
  ],
  store: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'deepfake-fuzz-seed-'));
    try {
      const { ResultStore } = await import('../../daemon/scan/resultStore.ts');
      const store = await ResultStore.open(join(folder, 'results.mdb'));
      await store.putContentHash('/a.wav', '1 2 3', 'ab'.repeat(32));
      await store.close();
      return [await readFile(join(folder, 'results.mdb'))];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  trainingState: async () => {
    const { architecture } = smallConfig;
    const count = (specs: { shape: number[] }[]) =>
      specs.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
    const vector = () => new Float32Array(count(trainableTensors(architecture))).fill(0.1);
    const statistics = new Float32Array(count(statisticTensors(architecture))).fill(1);
    const folder = await mkdtemp(join(tmpdir(), 'deepfake-fuzz-seed-'));
    try {
      const network = { parameters: vector(), moment1: vector(), moment2: vector(), statistics, step: 7 };
      await writeRun(
        folder,
        { description: { recipe: 'mine', seed: 3, epochs: null }, threads: 2 },
        architecture,
        {
          network,
          average: { parameters: vector(), statistics },
          epoch: 2,
          batch: 3,
          lossSum: 1.5,
          best: {
            state: state(),
            epoch: 1,
            steps: 4,
            validation: { logits: Float64Array.of(1, -1), eer: 0.1, accuracy: 0.9, f1: 0.9, loss: 0.3 },
          },
        },
      );
      return [await readFile(join(folder, STATE_NAME))];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  // Paths are relative, so that no change of one leads out of the daemon's folder.
  jsonRpc: async () => [
    rpc('classify', { files: ['clip.wav', 'missing.wav'], withImages: true, workDoneToken: 'w' }),
    rpc('scan', {
      paths: ['clip.wav'],
      include: ['*.wav'],
      exclude: ['x'],
      since: '2020-01-01',
      store: false,
      ordered: true,
    }),
    rpc('scanReport', {
      files: ['clip.wav'],
      output: 'r.json',
      paths: ['clip.wav'],
      base: 'x',
      store: false,
    }),
    rpc('dataset', { dataRoot: 'missing' }),
    rpc('evaluate', { dataRoot: 'missing', reportsDir: 'reports', samplePerClass: 3 }),
    rpc('train', {
      dataRoot: 'missing',
      modelDir: 'm',
      reportsDir: 'r',
      epochs: 1,
      valSize: 0.2,
      recipe: 'default',
    }),
    rpc('model', null),
    rpc('loadModel', { checkpoint: 'missing.safetensors' }),
    rpc('importModel', { checkpoint: 'missing.pth', folder: 'imported' }),
    rpc('exportModel', { onnxFile: 'x.onnx', checkpoint: 'missing.safetensors' }),
    rpc('playableAudio', { file: 'clip.wav' }),
    Buffer.from('{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}'),
  ],
};
