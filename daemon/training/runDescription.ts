import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import pLimit from 'p-limit';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import type { EngineFacts } from '../../shared/verdict.ts';
import type { Clip, Manifest } from '../dataset/manifest.ts';
import type { Recipe } from './recipe.ts';
import type { TrainingSettings } from './trainingRun.ts';
import type { RunDescription, UnfinishedRun } from './trainingState.ts';

/** Files whose size is asked for at once. */
const CONCURRENCY = 32;
/** Fields of a recipe that the command line names. */
const OPTIONS: Record<string, string> = {
  epochs: '--epochs',
  batchSize: '--batch-size',
  learningRate: '--lr',
  weightDecay: '--weight-decay',
  patience: '--patience',
};
const DIGEST = 'names, sizes, labels or parts of the clips';

/**
 * Everything that decides what a run ends with: recipe, seed, and the data by the clips' names below the data set's folder, sizes,
 * labels and parts.
 */
export async function describeRun(
  recipe: Recipe,
  settings: TrainingSettings,
  engine: EngineFacts,
  manifest: Manifest,
  parts: Record<string, Clip[]>,
): Promise<RunDescription> {
  const { name, ...fields } = recipe;
  return {
    '--recipe': name,
    ...Object.fromEntries(leavesOf(fields)),
    '--seed': settings.seed,
    '--val-size': settings.valSize,
    '--sample-per-class': settings.samplePerClass ?? null,
    engine: engine.name,
    device: engine.device,
    'data set': manifest.name,
    'number of clips': manifest.clips.length,
    [DIGEST]: await digest(manifest.root, parts),
  };
}

function leavesOf(value: object, prefix = ''): [string, string | number | boolean | null][] {
  return Object.entries(value).flatMap(([key, field]) =>
    typeof field === 'object' && field !== null
      ? leavesOf(field, `${prefix}${key}.`)
      : [[OPTIONS[prefix + key] ?? prefix + key, field]],
  );
}

async function digest(root: string, parts: Record<string, Clip[]>): Promise<string> {
  const limit = pLimit(CONCURRENCY);
  const hash = createHash('sha256');
  for (const [part, clips] of Object.entries(parts)) {
    const sizes = await limit.map(clips, async ({ path }) => (await stat(path).catch(() => undefined))?.size);
    clips.forEach(({ path, label }, i) => {
      const name = relative(root, path).replaceAll(sep, '/');
      hash.update(`${JSON.stringify([part, name, label, sizes[i] ?? null])}\n`);
    });
  }
  return hash.digest('hex');
}

/** Throws InvalidArguments, naming what differs, unless a run is the one that is asked for. */
export function requireSameRun(run: UnfinishedRun, asked: RunDescription): void {
  const names = Object.keys({ ...asked, ...run.description });
  const differences = names
    .filter((name) => (run.description[name] ?? null) !== (asked[name] ?? null))
    .map((name) => {
      if (name === DIGEST) return name;
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
