import { createHash } from 'node:crypto';
import { relative, sep } from 'node:path';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import type { EngineFacts } from '../../shared/verdict.ts';
import type { Clip, Manifest } from '../dataset/manifest.ts';
import type { Recipe } from './recipe.ts';
import type { TrainingSettings } from './trainingRun.ts';
import type { RunDescription, UnfinishedRun } from './trainingState.ts';

/** Fields of a recipe that the command line names. */
const OPTIONS: Record<string, string> = {
  epochs: '--epochs',
  batchSize: '--batch-size',
  learningRate: '--lr',
  weightDecay: '--weight-decay',
  patience: '--patience',
};
const NAMES = 'names, labels or parts of the clips';
const CONTENT = 'content of the clips';

/**
 * Everything that decides what a run ends with: recipe, seed, engine, and the data by the clips' names below the data set's folder, labels
 * and parts. `withContent` adds what is in the clips.
 */
export function describeRun(
  recipe: Recipe,
  settings: TrainingSettings,
  engine: EngineFacts,
  manifest: Manifest,
  parts: Record<string, Clip[]>,
): RunDescription {
  const { name, ...fields } = recipe;
  return {
    '--recipe': name,
    ...Object.fromEntries(leavesOf(fields)),
    '--seed': settings.seed,
    '--val-size': settings.valSize,
    '--sample-per-class': settings.samplePerClass ?? null,
    '--engine': engine.name,
    '--device': engine.device,
    'data set': manifest.name,
    'number of clips': manifest.clips.length,
    [NAMES]: digestOfNames(manifest.root, parts),
  };
}

/** A description that tells clips apart by digests of their features too. */
export const withContent = (description: RunDescription, digests: string[]): RunDescription => ({
  ...description,
  [CONTENT]: digests.join(),
});

function leavesOf(value: object, prefix = ''): [string, string | number | boolean | null][] {
  return Object.entries(value).flatMap(([key, field]) =>
    typeof field === 'object' && field !== null
      ? leavesOf(field, `${prefix}${key}.`)
      : [[OPTIONS[prefix + key] ?? prefix + key, field]],
  );
}

function digestOfNames(root: string, parts: Record<string, Clip[]>): string {
  const hash = createHash('sha256');
  for (const [part, clips] of Object.entries(parts)) {
    for (const { path, label } of clips) {
      const name = relative(root, path).replaceAll(sep, '/');
      hash.update(`${JSON.stringify([part, name, label])}\n`);
    }
  }
  return hash.digest('hex');
}

/** Throws InvalidArguments, naming what differs, unless a run is the one that is asked for, as far as that is known yet. */
export function requireSameRun(run: UnfinishedRun, asked: RunDescription): void {
  const names = new Set([...Object.keys(asked), ...Object.keys(run.description)]);
  if (!(CONTENT in asked)) names.delete(CONTENT);
  const differences = [...names]
    .filter((name) => (run.description[name] ?? null) !== (asked[name] ?? null))
    .map((name) => {
      if (name === NAMES || name === CONTENT) return name;
      const [there, here] = [run.description, asked].map((values) => String(values[name] ?? 'none'));
      return `${name} (${there} then, ${here} now)`;
    });
  if (differences.length === 0) return;
  throw new DeepfakeError(
    ErrorCode.InvalidArguments,
    `${run.path} cannot go on because it was begun with something else: ${differences.join(', ')}. Give what it was begun with, or begin anew with --fresh.`,
    run.path,
  );
}
