import workerpool from 'workerpool';
import { DeepfakeError } from '../../shared/errors.ts';
import { watchProcesses } from '../audio/ffmpeg.ts';
import {
  canSeek,
  type LoadOptions,
  loadAudio,
  type SampleReceiver,
  streamAudio,
} from '../audio/loadAudio.ts';
import { throughCodecs } from '../audio/lossyCodecs.ts';
import { PcmWriter } from '../audio/pcm16.ts';
import { crc32 } from '../crc32.ts';
import { seededRandom, shuffle } from '../random.ts';
import {
  type AnalysisRequest,
  type AnalysisSummary,
  type CopiedSoFar,
  type ProcessSign,
  type SoundSoFar,
  type SpectraOptions,
  STARTED,
  type WindowGroup,
} from './analysis.ts';
import { clipSpectrum, type Spectrum } from './clipSpectrum.ts';
import { contentHash } from './contentHash.ts';
import { type FeatureConfig, windowLength } from './featureConfig.ts';
import { LogSpectrogram } from './logSpectrogram.ts';
import { PictureStream, spectrogramBetween, waveformBetween } from './picture.ts';
import { meterSpectrogram, SoundMeter } from './soundMeter.ts';
import { type StreamedWindow, WindowStream } from './windowStream.ts';
import { extractWindow, rootMeanSquare, silenceLevel } from './windows.ts';

/** Windows handed over at once: 64 × 128 kB with the default features. */
const GROUP_SIZE = 64;
/** Groups of one file that may wait for the network. */
const GROUPS_AHEAD = 2;
/** How often a worker shows what it has, and in how many columns. */
const TELL_INTERVAL_MS = 400;
const COLUMNS_ON_THE_WAY = 1000;

watchProcesses((pid, running) => workerpool.workerEmit({ process: pid, running } satisfies ProcessSign));

/** The model's spectrogram, and the one that the sound is measured with. */
interface Spectrograms {
  model: LogSpectrogram;
  meter: LogSpectrogram;
}
let current: Spectrograms | undefined;

async function spectrogramsFor(config: FeatureConfig): Promise<Spectrograms> {
  if (current === undefined || JSON.stringify(current.model.config) !== JSON.stringify(config)) {
    const model = await LogSpectrogram.create(config);
    current = { model, meter: await meterSpectrogram(model) };
  }
  return current;
}

/** A result, or an expected error in a form that survives the way between threads. */
export type WorkerAnswer<T> = { value: T } | { error: { code: number; message: string; file?: string } };

async function answer<T>(work: () => Promise<T>): Promise<WorkerAnswer<T>> {
  workerpool.workerEmit(STARTED);
  try {
    return { value: await work() };
  } catch (error) {
    if (!(error instanceof DeepfakeError)) throw error;
    return { error: { code: error.code, message: error.message, file: error.file } };
  }
}

function analyze(request: AnalysisRequest): Promise<WorkerAnswer<AnalysisSummary>> {
  return answer(async () => {
    const spectrograms = await spectrogramsFor(request.features);
    return request.windows.use === 'first' && request.picture === undefined
      ? analyzeFirst(request, spectrograms)
      : analyzeAll(request, spectrograms);
  });
}

async function analyzeFirst(request: AnalysisRequest, spectrograms: Spectrograms): Promise<AnalysisSummary> {
  const { features: config } = request;
  const { samples, facts } = await loadAudio(request.path, {
    sampleRate: config.sampleRate,
    maxSeconds: config.duration,
    ffmpegPath: request.ffmpegPath,
  });
  const windows = new FirstWindow(config);
  windows.push(samples);
  const meter = new SoundMeter(spectrograms.model, spectrograms.meter);
  meter.push(samples);
  const groups = new GroupSender(request, spectrograms.model, meter);
  for (const window of windows.finish()) groups.add(window);
  groups.send();
  return { facts, silent: windows.silent, silenceFloor: 0, measures: meter.finish(0) };
}

async function analyzeAll(request: AnalysisRequest, spectrograms: Spectrograms): Promise<AnalysisSummary> {
  const { receiver, facts, length } = await streamAudio(
    request.path,
    { sampleRate: request.features.sampleRate, ffmpegPath: request.ffmpegPath },
    (promised) => new Analysis(request, spectrograms, promised),
  );
  return { facts, ...receiver.finish(length) };
}

/** The beginning of the sound as the only window. */
class FirstWindow implements Pick<WindowStream, 'push' | 'take' | 'finish' | 'silent' | 'silenceFloor'> {
  readonly silenceFloor = 0;
  private readonly sound: Float32Array;
  private length = 0;
  private taken = false;
  private level = 0;

  constructor(private readonly config: FeatureConfig) {
    this.sound = new Float32Array(windowLength(config));
  }

  push(samples: Float32Array): void {
    const wanted = samples.subarray(0, this.sound.length - this.length);
    this.sound.set(wanted, this.length);
    this.length += wanted.length;
  }

  *take(): Generator<StreamedWindow> {
    if (this.length === this.sound.length) yield* this.finish();
  }

  *finish(total = this.length): Generator<StreamedWindow> {
    if (this.taken) return;
    this.taken = true;
    const sound = this.sound.subarray(0, total);
    this.level = rootMeanSquare(sound);
    const samples = extractWindow(sound, 0, this.config);
    yield { start: 0, samples, length: sound.length, level: this.level };
  }

  get silent(): boolean {
    return this.level < silenceLevel(this.level);
  }
}

/** Turns sound into windows and those into features while it comes. */
class Analysis implements SampleReceiver {
  private readonly windows: WindowStream | FirstWindow;
  private readonly groups: GroupSender;
  private readonly meter: SoundMeter;
  private readonly picture: PictureStream | undefined;
  private readonly sampleRate: number;
  private readonly tellsOnTheWay: boolean;
  private told = performance.now();
  private length = 0;

  /** `promised`: seconds by the container. */
  constructor(
    request: AnalysisRequest,
    { model, meter }: Spectrograms,
    private readonly promised: number | undefined,
  ) {
    const { features, windows, picture } = request;
    this.windows =
      windows.use === 'first' ? new FirstWindow(features) : new WindowStream(features, windows.overlap);
    this.meter = new SoundMeter(model, meter);
    this.groups = new GroupSender(request, model, this.meter);
    this.picture = picture === undefined ? undefined : new PictureStream(model);
    this.sampleRate = features.sampleRate;
    this.tellsOnTheWay = picture === 'onTheWay';
  }

  push(samples: Float32Array): void {
    this.windows.push(samples);
    this.meter.push(samples);
    this.picture?.push(samples);
    this.length += samples.length;
  }

  async ready(): Promise<void> {
    for (const window of this.windows.take()) this.groups.add(window);
    if (!this.tellsOnTheWay || performance.now() - this.told < TELL_INTERVAL_MS) return;
    this.groups.send();
    this.tell();
    this.told = performance.now();
  }

  finish(length: number): Omit<AnalysisSummary, 'facts'> {
    for (const window of this.windows.finish(length)) this.groups.add(window);
    this.groups.send();
    const { silent, silenceFloor } = this.windows;
    const measures = this.meter.finish(silenceFloor);
    return { silent, silenceFloor, measures, picture: this.picture?.finish(length) };
  }

  private tell(): void {
    const picture = this.picture?.current;
    if (picture === undefined || picture.columns === 0) return;
    const seconds = this.length / this.sampleRate;
    const soFar: SoundSoFar = {
      seconds,
      promised: this.promised,
      spectrogram: spectrogramBetween(picture, 0, seconds, COLUMNS_ON_THE_WAY),
      waveform: waveformBetween(picture, 0, seconds, COLUMNS_ON_THE_WAY),
    };
    workerpool.workerEmit(soFar);
  }
}

/** Computes features and hands them over in groups; waits where the network is behind. */
class GroupSender {
  private waiting: { start: number; level: number; features: Float32Array }[] = [];
  private sent = 0;
  private readonly dealtWith: Int32Array | undefined;

  constructor(
    request: AnalysisRequest,
    private readonly spectrogram: LogSpectrogram,
    private readonly meter: SoundMeter,
  ) {
    this.dealtWith = request.dealtWith && new Int32Array(request.dealtWith);
  }

  add(window: StreamedWindow): void {
    const { start, level } = window;
    const powers = this.spectrogram.powers(window.samples);
    this.meter.addWindow(window, powers);
    this.waiting.push({ start, level, features: this.spectrogram.featuresOf(powers) });
    if (this.waiting.length === GROUP_SIZE) this.send();
  }

  send(): void {
    if (this.waiting.length === 0) return;
    this.waitForNetwork();
    const { sampleRate } = this.spectrogram.config;
    const size = this.waiting[0].features.length;
    const features = new Float32Array(this.waiting.length * size);
    this.waiting.forEach((window, i) => {
      features.set(window.features, i * size);
    });
    const group: WindowGroup = {
      starts: this.waiting.map(({ start }) => start / sampleRate),
      levels: this.waiting.map(({ level }) => level),
      features,
    };
    this.waiting = [];
    this.sent++;
    workerpool.workerEmit(new workerpool.Transfer(group, [features.buffer]));
  }

  private waitForNetwork(): void {
    if (this.dealtWith === undefined) return;
    for (;;) {
      const done = Atomics.load(this.dealtWith, 0);
      if (this.sent - done < GROUPS_AHEAD) return;
      Atomics.wait(this.dealtWith, 0, done);
    }
  }
}

/** A file's samples at the features' rate: at most `maxSeconds`, from `startSeconds` on. */
function samples(
  path: string,
  config: FeatureConfig,
  { startSeconds, maxSeconds, ffmpegPath }: Pick<LoadOptions, 'startSeconds' | 'maxSeconds' | 'ffmpegPath'>,
): Promise<WorkerAnswer<Float32Array>> {
  return answer(async () => {
    const { sampleRate } = config;
    const audio = await loadAudio(path, { sampleRate, startSeconds, maxSeconds, ffmpegPath });
    return audio.samples;
  });
}

/** Writes a file's samples into an open file as 16-bit integers; false where `samples` can begin in the middle of it. */
function copySound(
  path: string,
  { sampleRate }: FeatureConfig,
  target: number,
  ffmpegPath: string | undefined,
): Promise<WorkerAnswer<boolean>> {
  return answer(async () => {
    if (await canSeek(path)) return false;
    const { receiver, length } = await streamAudio(
      path,
      { sampleRate, ffmpegPath },
      () => new PcmWriter(target, (samples) => workerpool.workerEmit({ samples } satisfies CopiedSoFar)),
    );
    receiver.finish(length);
    return true;
  });
}

/**
 * The spectra that views of a training clip are taken from, of at most `maxSeconds`: its own, and those of the clip after some of
 * the codecs, which its samples decide.
 */
function spectra(
  path: string,
  config: FeatureConfig,
  { maxSeconds, codecs, variants }: SpectraOptions,
  ffmpegPath: string | undefined,
): Promise<WorkerAnswer<Spectrum[]>> {
  return answer(async () => {
    const { sampleRate } = config;
    const { samples } = await loadAudio(path, { sampleRate, maxSeconds, ffmpegPath });
    const random = seededRandom(crc32(new Uint8Array(samples.buffer)));
    const chosen = shuffle([...codecs], random).slice(0, variants);
    const coded = chosen.length > 0 ? await throughCodecs(samples, sampleRate, chosen, ffmpegPath) : [];
    const { model: spectrogram } = await spectrogramsFor(config);
    return [samples, ...coded].map((sound) => clipSpectrum(sound, spectrogram));
  });
}

/** Compiles what every file needs. */
async function warmUp(config: FeatureConfig): Promise<void> {
  await spectrogramsFor(config);
}

export interface AnalysisMethods {
  warmUp: typeof warmUp;
  analyze: typeof analyze;
  samples: typeof samples;
  copySound: typeof copySound;
  spectra: typeof spectra;
  contentHash(path: string): Promise<WorkerAnswer<string>>;
}

workerpool.worker({
  warmUp,
  analyze,
  samples,
  copySound,
  spectra,
  contentHash: (path) => answer(() => contentHash(path)),
} satisfies AnalysisMethods);
