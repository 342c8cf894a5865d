import type { EngineFacts, Preparation, Verdict, WindowScore } from '../../shared/verdict.ts';
import { calibratedProbability } from '../evaluation/calibration.ts';
import type { AnalysisRequest, AnalysisSummary, SoundSoFar, WindowGroup } from '../features/analysis.ts';
import type { AnalysisPool } from '../features/analysisPool.ts';
import { frameCount } from '../features/featureConfig.ts';
import type { Picture } from '../features/picture.ts';
import type { Model } from '../model/checkpoint.ts';
import type { Engine, InferenceEngine } from '../model/engine.ts';
import { BatchedInference } from './batchedInference.ts';
import { decide } from './decision.ts';
import { type EvidenceGeometry, sumEvidence, type WindowEvidence } from './evidence.ts';
import { FilePictures } from './filePictures.ts';

export interface ClassifyOptions {
  /** Include what a report draws: spectrogram and evidence. */
  withImages?: boolean;
  /** Score the first window only, as the reference does. */
  firstWindow?: boolean;
  signal?: AbortSignal;
}

/** How far an examination is: the sound, and the windows scored, silent ones included that turn out to be so only later. */
export interface ExaminedSoFar extends SoundSoFar {
  windows: WindowScore[];
}

/** A verdict with pictures, and those at full resolution. */
export interface Examined {
  verdict: Verdict;
  pictures: FilePictures;
}

/** The mean logit of a file's windows, and what was learnt on the way. */
export interface FileScore {
  logit: number;
  windows: WindowScore[];
  summary: AnalysisSummary;
  evidence: WindowEvidence[];
  /** The network's pooled features, mean over the windows. */
  pooled: Float64Array;
}

/** A window that has been scored, and how loud it is. */
interface Scored {
  level: number;
  window: WindowScore;
  pooled: Float32Array;
  evidence?: WindowEvidence;
}

/** A loaded model that turns audio files into verdicts. */
export class Classifier {
  private constructor(
    readonly model: Model,
    readonly engine: EngineFacts,
    private readonly inference: InferenceEngine,
    /** The threads that analyse for it, which others may use too. */
    readonly pool: AnalysisPool,
  ) {}

  static async create(model: Model, engine: Engine, pool: AnalysisPool): Promise<Classifier> {
    const { features, architecture } = model.config;
    const shape = { architecture, bands: features.nMels, frames: frameCount(features) };
    const inference = new BatchedInference(await engine.createInference(shape, model.state));
    return new Classifier(model, engine.facts, inference, pool);
  }

  /** One file's verdict. Throws the DeepfakeErrors of `loadAudio`, or Cancelled. */
  async classify(path: string, options: ClassifyOptions = {}): Promise<Verdict> {
    if (options.withImages) return (await this.examine(path, options)).verdict;
    return this.verdict(path, await this.score(path, options));
  }

  /** One file's verdict with pictures; `onPart` is told several times a second how far it is. Errors as `classify`. */
  async examine(
    path: string,
    options: Omit<ClassifyOptions, 'withImages'> = {},
    onPart?: (part: ExaminedSoFar) => void,
  ): Promise<Examined> {
    const score = await this.score(path, { ...options, withImages: true }, onPart);
    const pictures = this.pictures(score);
    const { duration } = score.summary.facts;
    const verdict = {
      ...this.verdict(path, score),
      ...pictures.between(0, duration),
      preparation: this.preparation(score.summary),
    };
    return { verdict, pictures };
  }

  private verdict(path: string, score: FileScore): Verdict {
    const { config, facts } = this.model;
    const { summary } = score;
    const probability = calibratedProbability(score.logit, config.calibration);
    const { facts: audio, silent, measures } = summary;
    const { codec, duration, bytes } = audio;
    const coding = { codec, bitsPerSecond: (8 * bytes) / duration };
    const input = { duration, silent, coding, measures, pooled: score.pooled };
    const decided = decide(probability, input, config);
    return {
      label: decided.label,
      confidence: decided.confidence,
      deepfakeProbability: probability,
      threshold: config.threshold,
      decision: decided.decision,
      reasons: decided.reasons,
      file: path,
      windows: score.windows,
      audio,
      model: facts,
      engine: this.engine,
    };
  }

  /** One file's mean logit, without a decision. */
  async score(
    path: string,
    options: ClassifyOptions = {},
    onPart?: (part: ExaminedSoFar) => void,
  ): Promise<FileScore> {
    const { config } = this.model;
    const scored: Scored[] = [];
    const dealtWith = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const scoreGroup = async ({ starts, levels, features }: WindowGroup) => {
      const result = await this.inference.score(features, starts.length);
      const mapSize = result.evidenceRows * result.evidenceColumns;
      const channels = result.pooled.length / starts.length;
      starts.forEach((start, i) => {
        const logit = result.logits[i];
        const end = start + config.features.duration;
        const deepfakeProbability = calibratedProbability(logit, config.calibration);
        const map = options.withImages ? result.evidence.slice(i * mapSize, (i + 1) * mapSize) : undefined;
        scored.push({
          level: levels[i],
          window: { start, end, logit, deepfakeProbability },
          pooled: result.pooled.slice(i * channels, (i + 1) * channels),
          ...(map === undefined ? {} : { evidence: { start, map } }),
        });
      });
    };
    // Groups are scored in the order in which they arrive, while the worker prepares the next.
    let scoring: Promise<void> = Promise.resolve();
    const use = options.firstWindow ? 'first' : config.windows.use;
    const onTheWay = onPart === undefined ? 'atEnd' : 'onTheWay';
    const request: AnalysisRequest = {
      path,
      features: config.features,
      windows: { use, overlap: config.windows.overlap },
      picture: options.withImages ? onTheWay : undefined,
      dealtWith,
    };
    const summary = await this.pool.analyze(
      request,
      (group) => {
        scoring = scoring.then(() => scoreGroup(group)).finally(() => countUp(dealtWith));
        scoring.catch(() => {});
      },
      options.signal,
      (soFar) => onPart?.({ ...soFar, windows: scored.map(({ window }) => window) }),
    );
    await scoring;
    const audible = scored.filter(({ level }) => level >= summary.silenceFloor);
    const windows = audible.map(({ window }) => window);
    for (const window of windows) window.end = Math.min(window.end, summary.facts.duration);
    const sum = windows.reduce((total, { logit }) => total + logit, 0);
    const evidence = audible.flatMap(({ evidence }) => evidence ?? []);
    const pooled = meanOf(audible.map(({ pooled }) => pooled));
    return { logit: sum / windows.length, windows, summary, evidence, pooled };
  }

  async dispose(): Promise<void> {
    await this.inference.dispose();
  }

  private pictures({ summary, evidence }: FileScore): FilePictures {
    const { features, architecture } = this.model.config;
    const halvings = architecture.channels.length - 1;
    const geometry: EvidenceGeometry = {
      rows: features.nMels >> halvings,
      columns: frameCount(features) >> halvings,
      secondsPerColumn: (features.hopLength / features.sampleRate) * 2 ** halvings,
      duration: summary.facts.duration,
      padding: features.padding,
      fmin: features.fmin,
      fmax: features.fmax,
    };
    return new FilePictures(summary.picture as Picture, sumEvidence(evidence, geometry), geometry);
  }

  private preparation({ facts, picture }: AnalysisSummary): Preparation {
    const { sampleRate, duration, padding } = this.model.config.features;
    const filled = facts.duration < duration ? { filledWith: FILLINGS[padding] } : {};
    return { sampleRate, window: duration, ...filled, peak: picture?.peak ?? 0 };
  }
}

const FILLINGS = { zero: 'silence', tile: 'repeats' } as const;

function meanOf(vectors: Float32Array[]): Float64Array {
  const mean = new Float64Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) for (let i = 0; i < mean.length; i++) mean[i] += vector[i] / vectors.length;
  return mean;
}

/** Tells the worker that one more group has been dealt with. */
function countUp(dealtWith: SharedArrayBuffer): void {
  const count = new Int32Array(dealtWith);
  Atomics.add(count, 0, 1);
  Atomics.notify(count, 0);
}
