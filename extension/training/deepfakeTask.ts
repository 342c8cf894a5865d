import { basename, isAbsolute, join, resolve } from 'node:path';
import { t } from '@vscode/l10n';
import type { EvaluateParams, TrainParams } from '../../shared/protocol.ts';
import type { TASK_TYPE } from '../contributions.ts';

/** A task as it stands in tasks.json; package.json has its schema. */
export interface DeepfakeTaskDefinition {
  type: typeof TASK_TYPE;
  command: 'train' | 'evaluate';
  /** Labelled folder, relative to the workspace folder. */
  dataRoot: string;
  [option: string]: unknown;
}

type Kind = 'path' | 'text' | 'count' | 'wholeNumber' | 'rate' | 'share' | 'flag';

/** The options beside `command` and `dataRoot`: what each may be, and for which command. */
export const TASK_OPTIONS = {
  modelDir: { kind: 'path', commands: ['train'] },
  reportsDir: { kind: 'path', commands: ['train', 'evaluate'] },
  recipe: { kind: 'text', commands: ['train'] },
  epochs: { kind: 'count', commands: ['train'] },
  batchSize: { kind: 'count', commands: ['train'] },
  valSize: { kind: 'share', commands: ['train'] },
  lr: { kind: 'rate', commands: ['train'] },
  weightDecay: { kind: 'rate', commands: ['train'] },
  patience: { kind: 'wholeNumber', commands: ['train'] },
  seed: { kind: 'wholeNumber', commands: ['train'] },
  samplePerClass: { kind: 'count', commands: ['train', 'evaluate'] },
  resume: { kind: 'flag', commands: ['train'] },
  fresh: { kind: 'flag', commands: ['train'] },
  checkpoint: { kind: 'path', commands: ['evaluate'] },
} as const satisfies Record<string, { kind: Kind; commands: readonly DeepfakeTaskDefinition['command'][] }>;

/** What the daemon is asked for; paths are absolute. */
export type DeepfakeJob =
  | { command: 'train'; params: TrainParams & { recipe: string } }
  | { command: 'evaluate'; params: EvaluateParams };

const isKind: Record<Kind, (value: unknown) => boolean> = {
  path: (value) => typeof value === 'string' && value !== '',
  text: (value) => typeof value === 'string' && value !== '',
  count: (value) => Number.isInteger(value) && (value as number) >= 1,
  wholeNumber: (value) => Number.isInteger(value) && (value as number) >= 0,
  rate: (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
  share: (value) => typeof value === 'number' && value > 0 && value < 1,
  flag: (value) => typeof value === 'boolean',
};

/** Where a run's model and reports go unless the task says otherwise, relative to the workspace folder. */
export const defaultModelDir = (dataRoot: string): string => `models/${basename(resolve('/', dataRoot))}`;
export const defaultReportsDir = (dataRoot: string): string => `reports/${basename(resolve('/', dataRoot))}`;

/**
 * What a task asks for.
 * @param folder Absolute path of the workspace folder, from which relative paths count.
 * @throws Error with a sentence about the option that is wrong.
 */
export function jobOf(definition: Record<string, unknown>, folder: string): DeepfakeJob {
  const { command, dataRoot } = definition;
  if (command !== 'train' && command !== 'evaluate') {
    throw new Error(t('The task needs a "command" in tasks.json, which is either "train" or "evaluate".'));
  }
  if (!isKind.path(dataRoot)) {
    throw new Error(t('The task needs a "dataRoot" in tasks.json: the folder with the labelled clips.'));
  }
  const absolute = (path: string) => (isAbsolute(path) ? path : join(folder, path));
  const params: Record<string, unknown> = { dataRoot: absolute(dataRoot as string) };
  for (const [name, { kind, commands }] of Object.entries(TASK_OPTIONS)) {
    const value = definition[name];
    if (value === undefined || !(commands as readonly string[]).includes(command)) continue;
    if (!isKind[kind](value))
      throw new Error(t('The task\'s "{0}" in tasks.json cannot be {1}.', name, JSON.stringify(value)));
    params[name] = kind === 'path' ? absolute(value as string) : value;
  }
  params.reportsDir ??= absolute(defaultReportsDir(dataRoot as string));
  if (command === 'evaluate') return { command, params: params as unknown as EvaluateParams };
  params.modelDir ??= absolute(defaultModelDir(dataRoot as string));
  // A preset's name has no dot and no slash; everything else is a file.
  const recipe = (params.recipe as string | undefined) ?? 'default';
  params.recipe = /[./\\]/.test(recipe) ? absolute(recipe) : recipe;
  return { command, params: params as unknown as TrainParams & { recipe: string } };
}

/** The task's name in VS Code's list. */
export function taskName({
  command,
  dataRoot,
}: Pick<DeepfakeTaskDefinition, 'command' | 'dataRoot'>): string {
  return command === 'train' ? t('train on {0}', dataRoot) : t('evaluate on {0}', dataRoot);
}
