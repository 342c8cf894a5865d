import type { SplitName } from '../../shared/datasetNames.ts';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import { CLASS_NAMES } from '../../shared/verdict.ts';
import { seededRandom, shuffle } from '../random.ts';
import type { ClassIndex } from './labels.ts';

export interface SplitOptions {
  /** Share of each class that goes to validation, in (0, 1). */
  valSize: number;
  seed: number;
}

interface SplittableClip {
  label: ClassIndex;
  split?: SplitName;
}

/**
 * What to train on, what to select and calibrate on, and what to report on once at the end: the parts that folder names declare, where these
 * have both classes, else a stratified split without a testing part.
 */
export function splitIntoParts<T extends SplittableClip>(
  clips: readonly T[],
  options: SplitOptions,
): { training: T[]; validation: T[]; testing: T[] } {
  const testing = declaredPart(clips, 'testing');
  const validation = declaredPart(clips, 'validation');
  const held = new Set([...testing, ...validation]);
  const training = clips.filter((clip) => !held.has(clip));
  if (!hasBothClasses(training)) return { ...stratifiedSplit(clips, options), testing: [] };
  if (validation.length > 0) return { training, validation, testing };
  return { ...stratifiedSplit(training, options), testing };
}

/** The clips that a folder name declares to be this part; none where that would leave a class out. */
export function declaredPart<T extends SplittableClip>(clips: readonly T[], name: SplitName): T[] {
  const part = clips.filter(({ split }) => split === name);
  return hasBothClasses(part) ? part : [];
}

const hasBothClasses = (clips: readonly SplittableClip[]): boolean =>
  new Set(clips.map(({ label }) => label)).size === CLASS_NAMES.length;

/**
 * Splits clips into training and validation, each in the order given. Of a class of n clips a seeded shuffle sends
 * max(1, round(n × valSize)) to validation, rounding halves to even as Python does, and always leaves one to train
 * on. Throws DeepfakeError DatasetOneClass for a class of fewer than two clips.
 */
export function stratifiedSplit<T extends { label: ClassIndex }>(
  clips: readonly T[],
  options: SplitOptions,
): { training: T[]; validation: T[] } {
  const { valSize, seed } = options;
  if (!(valSize > 0 && valSize < 1)) {
    throw new DeepfakeError(
      ErrorCode.InvalidArguments,
      `The validation share must lie between 0 and 1, not ${valSize}.`,
    );
  }
  const validation = new Set<number>();
  for (const label of CLASS_NAMES.keys()) {
    const indexes = shuffle(
      [...clips.keys()].filter((index) => clips[index].label === label),
      seededRandom(seed, label),
    );
    if (indexes.length < 2) {
      throw new DeepfakeError(
        ErrorCode.DatasetOneClass,
        `The class ${CLASS_NAMES[label]} has ${indexes.length} clip(s): training and validation need at least one each, so add clips of it.`,
      );
    }
    const wanted = Math.max(1, roundHalfToEven(indexes.length * valSize));
    for (const index of indexes.slice(0, Math.min(wanted, indexes.length - 1))) {
      validation.add(index);
    }
  }
  return {
    training: clips.filter((_, index) => !validation.has(index)),
    validation: clips.filter((_, index) => validation.has(index)),
  };
}

/** Python's `round` for numbers of 0 and more. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  return fraction > 0.5 || (fraction === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
