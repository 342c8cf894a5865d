import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import { CLASS_NAMES } from '../../shared/verdict.ts';
import { type FeatureConfig, frameCount } from '../features/featureConfig.ts';
import { type Architecture, pooledChannels } from './audioCnn.ts';
import type { FeatureStatistics } from './featureStatistics.ts';

/** Which parts of a file are scored. */
export interface WindowPolicy {
  /** `first`: the first window only, as the reference does; `all`: overlapping windows over the whole file. */
  use: 'first' | 'all';
  /** Share of a window that the next one repeats. */
  overlap: number;
}

/** Everything about a model but its weights: `model_config.json`. */
export interface ModelConfig {
  /** What a user reads as the model's name. */
  name: string;
  features: FeatureConfig;
  architecture: Architecture;
  /** Calibrated probability from which on a clip is labelled Deepfake. */
  threshold: number;
  /** Calibrated logit = scale · logit + offset. */
  calibration: { scale: number; offset: number };
  /** Calibrated probabilities strictly between these are Inconclusive; null for a model without such a band. */
  inconclusive: { low: number; high: number } | null;
  windows: WindowPolicy;
  /** Of the clips that it was trained or validated on; absent: sound that is far from them is not noticed. */
  featureStatistics?: FeatureStatistics;
  /** How the model was made: free-form, for people. */
  training?: Record<string, unknown>;
  /** SHA-256 of the checkpoint that belongs to this file, hexadecimal. */
  checkpointSha256?: string;
}

const probability = z.number().min(0).max(1);
const positive = z.number().positive();

export const audioSchema = z
  .object({
    sample_rate: z.number().int().min(4000).max(96000),
    duration: positive.max(60),
    n_mels: z.number().int().min(4).max(512).multipleOf(2),
    n_fft: z
      .number()
      .int()
      .min(64)
      .max(16384)
      .refine((size) => Number.isInteger(Math.log2(size)), 'must be a power of two'),
    hop_length: z.number().int().min(16),
    fmin: z.number().min(0),
    fmax: positive,
    scale: z.enum(['mel', 'linear']).default('mel'),
    normalization: z.enum(['clip', 'band', 'frame-and-band']).default('clip'),
    padding: z.enum(['zero', 'tile']).default('zero'),
  })
  .refine((audio) => audio.fmin < audio.fmax && audio.fmax <= audio.sample_rate / 2, {
    message: 'fmin must be below fmax, and fmax at most half the sample rate',
  });

export const architectureSchema = z.object({
  channels: z.array(z.number().int().min(1).max(512)).min(2).max(5),
  dropout: z.number().min(0).lt(1),
  members: z.number().int().min(1).max(16).optional(),
});

export const windowsSchema = z.object({ use: z.enum(['first', 'all']), overlap: z.number().min(0).max(0.9) });

/** The features that a parsed `audio` section describes. */
export const featuresOf = (audio: z.infer<typeof audioSchema>): FeatureConfig => ({
  sampleRate: audio.sample_rate,
  duration: audio.duration,
  nMels: audio.n_mels,
  nFft: audio.n_fft,
  hopLength: audio.hop_length,
  fmin: audio.fmin,
  fmax: audio.fmax,
  scale: audio.scale,
  normalization: audio.normalization,
  padding: audio.padding,
});

/** Throws RangeError where the network's poolings leave nothing of a window's spectrogram. */
export function checkNetworkFits(features: FeatureConfig, { channels }: Architecture): void {
  const frames = frameCount(features);
  const halvings = channels.length - 1;
  if (features.nMels >> halvings > 0 && frames >> halvings > 0) return;
  throw new RangeError(
    `${channels.length} blocks are too many for ${features.nMels} bands and ${frames} frames, which are halved after each block but the last`,
  );
}

/** A file without the later fields means: behave exactly as the reference. */
const configSchema = z.object({
  audio: audioSchema,
  class_names: z.tuple([z.literal(CLASS_NAMES[0]), z.literal(CLASS_NAMES[1])]),
  threshold: probability,
  name: z.string().min(1).max(200).optional(),
  architecture: architectureSchema.default({ channels: [16, 32, 64], dropout: 0.25 }),
  calibration: z.object({ scale: positive, offset: z.number() }).default({ scale: 1, offset: 0 }),
  inconclusive: z
    .object({ low: probability, high: probability })
    .refine(({ low, high }) => low <= high, 'low must not exceed high')
    .nullable()
    .default(null),
  windows: windowsSchema.default({ use: 'first', overlap: 0 }),
  feature_statistics: z
    .object({ mean: z.array(z.number()), deviation: z.array(positive), limit: positive })
    .optional(),
  training: z.record(z.string(), z.unknown()).optional(),
  checkpoint_sha256: z.string().length(64).optional(),
});

/** Reads `model_config.json`. Throws ConfigNotFound or ConfigInvalid. */
export async function readModelConfig(path: string): Promise<ModelConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const message = `There is no model configuration at ${path}. Give its path with --config, or put model_config.json beside the checkpoint.`;
    throw new DeepfakeError(ErrorCode.ConfigNotFound, message, path, { cause: error });
  }
  return parseModelConfig(text, path);
}

/** Parses the text of a `model_config.json`; `path` is for messages only. Throws ConfigInvalid. */
export function parseModelConfig(text: string, path: string): ModelConfig {
  const invalid = (reason: string) =>
    new DeepfakeError(
      ErrorCode.ConfigInvalid,
      `${path} is not a usable model configuration: ${reason}.`,
      path,
    );
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid('it is not JSON');
  }
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(`${issue.path.join('.') || 'the file'}: ${issue.message}`);
  }
  const { audio, architecture, threshold, calibration, inconclusive, windows, training } = parsed.data;
  const statistics = parsed.data.feature_statistics;
  const channels = pooledChannels(architecture);
  if (
    statistics !== undefined &&
    [statistics.mean, statistics.deviation].some(({ length }) => length !== channels)
  )
    throw invalid(`feature_statistics: the network has ${channels} channels`);
  const features = featuresOf(audio);
  try {
    checkNetworkFits(features, architecture);
  } catch (error) {
    throw invalid(messageOf(error));
  }
  return {
    name: parsed.data.name ?? 'AudioCNN (reference)',
    features,
    architecture,
    threshold,
    calibration,
    inconclusive,
    windows,
    ...(statistics === undefined ? {} : { featureStatistics: statistics }),
    ...(training === undefined ? {} : { training }),
    ...(parsed.data.checkpoint_sha256 === undefined
      ? {}
      : { checkpointSha256: parsed.data.checkpoint_sha256 }),
  };
}

/** The text of `model_config.json`: the reference's fields first, in its spelling. */
export function formatModelConfig(config: ModelConfig): string {
  const { features } = config;
  const json = {
    audio: {
      sample_rate: features.sampleRate,
      duration: features.duration,
      n_mels: features.nMels,
      n_fft: features.nFft,
      hop_length: features.hopLength,
      fmin: features.fmin,
      fmax: features.fmax,
      scale: features.scale,
      normalization: features.normalization,
      padding: features.padding,
    },
    class_names: CLASS_NAMES,
    threshold: config.threshold,
    name: config.name,
    architecture: config.architecture,
    calibration: config.calibration,
    inconclusive: config.inconclusive,
    windows: config.windows,
    feature_statistics: config.featureStatistics,
    training: config.training,
    checkpoint_sha256: config.checkpointSha256,
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}
