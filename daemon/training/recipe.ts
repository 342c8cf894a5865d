import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import { PRESET_EPOCHS } from '../../shared/presets.ts';
import { usableCodecs } from '../audio/lossyCodecs.ts';
import { type FeatureConfig, referenceFeatures } from '../features/featureConfig.ts';
import { type Architecture, referenceArchitecture } from '../model/audioCnn.ts';
import {
  architectureSchema,
  audioSchema,
  checkNetworkFits,
  featuresOf,
  type WindowPolicy,
  windowsSchema,
} from '../model/modelConfig.ts';
import { type Augmentation, augmentationSchema } from './augmentation.ts';

/** How the learning rate runs over a training run. */
export type Schedule = 'constant' | 'one-cycle';

/** Everything that decides how a model is trained, apart from the data. */
export interface Recipe {
  name: string;
  features: FeatureConfig;
  architecture: Architecture;
  windows: WindowPolicy;
  epochs: number;
  batchSize: number;
  /** `constant`: this rate throughout; `one-cycle`: the peak. */
  learningRate: number;
  schedule: Schedule;
  weightDecay: number;
  /** Epochs without a better validation EER before training stops; 0 never stops early. */
  patience: number;
  /** Decay per step of an exponential moving average of the weights, which is then what is validated and kept; 0 for none. */
  averaging: number;
  /** Which epoch is kept: the one with the best validation EER, or the last. */
  keep: 'best' | 'last';
  /** Null: every epoch sees the same features. */
  augmentation: Augmentation | null;
  /** Fit probabilities and the Inconclusive band on the validation clips. */
  calibrate: boolean;
}

/** What the reference does. */
export const referenceRecipe: Recipe = {
  name: 'reference',
  features: referenceFeatures,
  architecture: referenceArchitecture,
  windows: { use: 'first', overlap: 0 },
  epochs: PRESET_EPOCHS.reference,
  batchSize: 32,
  learningRate: 1e-3,
  schedule: 'constant',
  weightDecay: 1e-4,
  patience: 5,
  averaging: 0,
  keep: 'best',
  augmentation: null,
  calibrate: false,
};

/**
 * For new models, by cross-validation (docs/detection.md): equal-width bands up to the Nyquist frequency from short frames,
 * because vocoders betray themselves above 4 kHz and within a few milliseconds; without the clip's average colour, which is its
 * channel, and its loudness contour, which is its speech; short clips repeated instead of padded with zeros; a fixed number of
 * epochs on one-second crops, and the average of the last weights. A fourth block costs 1.5 times the reference's multiplications.
 */
export const defaultRecipe: Recipe = {
  name: 'default',
  features: {
    ...referenceFeatures,
    nFft: 512,
    hopLength: 128,
    fmin: 0,
    fmax: 8000,
    scale: 'linear',
    normalization: 'frame-and-band',
    padding: 'tile',
  },
  architecture: { channels: [16, 32, 64, 128], dropout: 0.25 },
  windows: { use: 'all', overlap: 0.5 },
  epochs: PRESET_EPOCHS.default,
  batchSize: 16,
  learningRate: 5e-3,
  schedule: 'one-cycle',
  weightDecay: 1e-4,
  patience: 0,
  averaging: 0.995,
  keep: 'last',
  augmentation: {
    crop: 1,
    noise: { probability: 0.3, snr: [15, 45] },
    equalizer: { probability: 0.5, decibels: 12 },
    bandLimit: { probability: 0.15, cutoff: [3400, 8000] },
    bandMask: { probability: 0.3, bands: 12 },
    timeMask: { probability: 0.3, frames: 80 },
  },
  calibrate: true,
};

export const presets: Record<string, Recipe> = { default: defaultRecipe, reference: referenceRecipe };

const recipeSchema = z
  .object({
    extends: z.enum(['default', 'reference']).default('default'),
    name: z.string().min(1).max(200),
    audio: audioSchema,
    architecture: architectureSchema,
    windows: windowsSchema,
    epochs: z.number().int().min(1),
    batch_size: z.number().int().min(2).max(1024),
    learning_rate: z.number().positive(),
    schedule: z.enum(['constant', 'one-cycle']),
    weight_decay: z.number().min(0),
    patience: z.number().int().min(0),
    averaging: z.number().min(0).lt(1),
    keep: z.enum(['best', 'last']),
    augmentation: augmentationSchema.nullable(),
    calibrate: z.boolean(),
  })
  .partial()
  .strict();

/** A preset by name, or a recipe file whose absent fields come from the preset that it extends. Throws ConfigNotFound or ConfigInvalid. */
export async function readRecipe(nameOrPath: string): Promise<Recipe> {
  const preset = presets[nameOrPath];
  if (preset !== undefined) return preset;
  let text: string;
  try {
    text = await readFile(nameOrPath, 'utf8');
  } catch (error) {
    const message = `${nameOrPath} is neither a recipe file nor one of the presets (${Object.keys(presets).join(', ')}).`;
    throw new DeepfakeError(ErrorCode.ConfigNotFound, message, nameOrPath, { cause: error });
  }
  try {
    const given = recipeSchema.parse(JSON.parse(text));
    const base = presets[given.extends ?? 'default'];
    const features = given.audio === undefined ? base.features : featuresOf(given.audio);
    const architecture = given.architecture ?? base.architecture;
    checkNetworkFits(features, architecture);
    return {
      name: given.name ?? nameOrPath,
      features,
      architecture,
      windows: given.windows ?? base.windows,
      epochs: given.epochs ?? base.epochs,
      batchSize: given.batch_size ?? base.batchSize,
      learningRate: given.learning_rate ?? base.learningRate,
      schedule: given.schedule ?? base.schedule,
      weightDecay: given.weight_decay ?? base.weightDecay,
      patience: given.patience ?? base.patience,
      averaging: given.averaging ?? base.averaging,
      keep: given.keep ?? base.keep,
      augmentation: given.augmentation === undefined ? base.augmentation : given.augmentation,
      calibrate: given.calibrate ?? base.calibrate,
    };
  } catch (error) {
    const message = `${nameOrPath} is not a usable recipe: ${reasonOf(error)}.`;
    throw new DeepfakeError(ErrorCode.ConfigInvalid, message, nameOrPath, { cause: error });
  }
}

/** A recipe without the codecs that cannot be used here, of which `warn` is told. */
export async function withUsableCodecs(
  recipe: Recipe,
  ffmpegPath: string | undefined,
  warn: (message: string) => void,
): Promise<Recipe> {
  const { codec, ...rest } = recipe.augmentation ?? {};
  if (codec === undefined) return recipe;
  const codecs = await usableCodecs(codec.codecs, ffmpegPath);
  if (codecs.length === codec.codecs.length) return recipe;
  const missing = codec.codecs.filter((name) => !codecs.includes(name));
  warn(
    `No clip is sent through ${missing.join(', ')}, as the recipe says, because no ffmpeg that encodes them was found: install it from https://ffmpeg.org for a model that knows such sound.`,
  );
  return { ...recipe, augmentation: codecs.length > 0 ? { ...rest, codec: { ...codec, codecs } } : rest };
}

function reasonOf(error: unknown): string {
  if (error instanceof z.ZodError)
    return `${error.issues[0].path.join('.') || 'the file'}: ${error.issues[0].message}`;
  return error instanceof RangeError ? error.message : `it is not JSON (${messageOf(error)})`;
}
