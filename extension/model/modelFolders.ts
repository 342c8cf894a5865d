import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { t } from '@vscode/l10n';
import { pathInside } from '../pathInside.ts';

/** A model in a folder: a checkpoint and the configuration beside it. */
export interface FoundModel {
  checkpoint: string;
  /** What its configuration calls it. */
  name: string;
  /** What it was trained on and how well that went, as far as the configuration says. */
  description: string;
}

/**
 * The models that configurations belong to: a `.safetensors` file beside each. Configurations that cannot be read are left
 * out; what is wrong with one is said when somebody chooses it by its file.
 */
export async function describeModels(configFiles: readonly string[]): Promise<FoundModel[]> {
  const found = await Promise.all(configFiles.map(describeModel));
  return found.flat().sort((a, b) => a.checkpoint.localeCompare(b.checkpoint));
}

async function describeModel(configFile: string): Promise<FoundModel[]> {
  const folder = dirname(configFile);
  try {
    const config = JSON.parse(await readFile(configFile, 'utf8'));
    const names = (await readdir(folder)).filter((name) => name.endsWith('.safetensors'));
    const name = typeof config.name === 'string' ? config.name : 'AudioCNN';
    const description = trainingText(config.training);
    return names.map((file) => ({ checkpoint: join(folder, file), name, description }));
  } catch {
    return [];
  }
}

function trainingText(training: unknown): string {
  const { data, validation_eer: eer } = (training ?? {}) as Record<string, unknown>;
  const parts: string[] = [];
  if (typeof data === 'string') parts.push(t('trained on {0}', data));
  if (typeof eer === 'number') parts.push(t('validation EER {0}', `${(100 * eer).toFixed(1)} %`));
  return parts.join(', ');
}

/** How a setting names a checkpoint: relative with forward slashes inside the workspace folder, absolute elsewhere. */
export function modelSettingOf(
  checkpoint: string,
  folder: string | undefined,
): { value: string; inWorkspace: boolean } {
  const path = folder === undefined ? undefined : pathInside(folder, checkpoint);
  return path === undefined
    ? { value: checkpoint, inWorkspace: false }
    : { value: path.split(sep).join('/'), inWorkspace: true };
}
