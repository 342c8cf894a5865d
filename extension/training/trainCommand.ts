import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { messageOf } from '../../shared/errors.ts';
import { CHECKPOINT_NAME } from '../../shared/modelFiles.ts';
import { PRESET_EPOCHS } from '../../shared/presets.ts';
import type { DatasetResult } from '../../shared/protocol.ts';
import type { DeepfakeContext } from '../context.ts';
import { pickFolder } from '../folders.ts';
import { withSlowProgress } from '../slowProgress.ts';
import { defaultModelDir } from './deepfakeTask.ts';
import { pickDataset, rootOf } from './pickDataset.ts';
import { runWizard, type Step } from './wizard.ts';

const PRESETS = Object.entries(PRESET_EPOCHS).map(([recipe, epochs]) => ({
  recipe,
  epochs: epochs as number,
}));
const MAX_EPOCHS = 100_000;

/** "Train a Detector…": folder, what is in it, settings, start. */
export async function trainDetector(context: DeepfakeContext, clicked?: vscode.Uri): Promise<void> {
  const dataRoot = clicked?.fsPath ?? (await pickDataset(vscode.l10n.t('Train a Detector')));
  if (dataRoot === undefined) return;
  const dataset = await lookAt(context, dataRoot);
  if (dataset === undefined) return;
  const choice = { ...PRESETS[0], modelDir: '' };
  const complete = await runWizard(vscode.l10n.t('Train a Detector'), [
    recipeStep(dataset, choice),
    epochsStep(choice),
    folderStep(dataRoot, choice),
  ]);
  if (!complete) return;
  try {
    await context.trainings.startTask({ dataRoot, ...choice, reportsDir: join(choice.modelDir, 'reports') });
  } catch (error) {
    void vscode.window.showErrorMessage(messageOf(error));
  }
}

/** What the daemon finds in a folder. Tells the user where that cannot be used; undefined then. */
async function lookAt(context: DeepfakeContext, dataRoot: string): Promise<DatasetResult | undefined> {
  let found: DatasetResult | undefined;
  try {
    await withSlowProgress(vscode.l10n.t('Looking for labelled clips'), async (token) => {
      found = await (await context.daemon()).dataset(dataRoot, { token });
    });
  } catch (error) {
    void vscode.window.showErrorMessage(vscode.l10n.t('This folder cannot be trained on.'), {
      modal: true,
      detail: messageOf(error),
    });
  }
  return found;
}

interface Choice {
  recipe: string;
  epochs: number;
  modelDir: string;
}

function recipeStep(dataset: DatasetResult, choice: Choice): Step {
  const { genuine, deepfake, parts, warnings } = dataset;
  const counts =
    parts.testing > 0
      ? vscode.l10n.t(
          '{0} genuine and {1} deepfake clips, {2} of them to validate, {3} to test',
          genuine,
          deepfake,
          parts.validation,
          parts.testing,
        )
      : vscode.l10n.t(
          '{0} genuine and {1} deepfake clips, {2} of them to validate',
          genuine,
          deepfake,
          parts.validation,
        );
  const details: Record<string, string> = {
    default: vscode.l10n.t(
      'Augmented clips, four blocks, calibrated: does best on voices and systems it has not met; keeps the last epoch',
    ),
    reference: vscode.l10n.t(
      'Three blocks on the first four seconds, as the Python program does; faster; keeps the best epoch',
    ),
  };
  const items = PRESETS.map(({ recipe, epochs }, index) => ({
    label: recipe,
    description: [
      vscode.l10n.t('{0} epochs', epochs),
      ...(index === 0 ? [vscode.l10n.t('recommended')] : []),
    ].join(', '),
    detail: details[recipe],
    recipe,
    epochs,
  }));
  return async (ui) => {
    const notes = warnings.length === 0 ? '' : ` – ${warnings[0]}`;
    const item = await ui.pick(
      items,
      `${counts}${notes}`,
      items.find(({ recipe }) => recipe === choice.recipe),
    );
    if (item === 'back' || item === undefined) return item;
    choice.recipe = item.recipe;
    choice.epochs = item.epochs;
    return true;
  };
}

function epochsStep(choice: Choice): Step {
  return async (ui) => {
    const prompt = vscode.l10n.t('Epochs: how often every clip is gone through');
    const answer = await ui.input(prompt, String(choice.epochs), (text) => {
      const value = Number(text);
      return Number.isInteger(value) && value >= 1 && value <= MAX_EPOCHS
        ? undefined
        : vscode.l10n.t('Give a whole number from 1 on.');
    });
    if (answer === 'back' || answer === undefined) return answer;
    choice.epochs = Number(answer);
    return true;
  };
}

function folderStep(dataRoot: string, choice: Choice): Step {
  const proposed = freeFolder(join(rootOf(dataRoot), defaultModelDir(dataRoot)));
  return async (ui) => {
    const items = [
      {
        label: `$(folder) ${vscode.workspace.asRelativePath(proposed)}`,
        folder: proposed as string | undefined,
      },
      { label: `$(folder-opened) ${vscode.l10n.t('Another folder…')}`, folder: undefined },
    ];
    const item = await ui.pick(items, vscode.l10n.t('Where the model and its report are saved'));
    if (item === 'back' || item === undefined) return item;
    const folder =
      item.folder ?? (await pickFolder(vscode.l10n.t('Where the model and its report are saved')));
    if (folder === undefined || !(await mayReplaceModel(folder))) return undefined;
    choice.modelDir = folder;
    return true;
  };
}

/** Asks where a folder of the user's choice holds a model already. */
async function mayReplaceModel(folder: string): Promise<boolean> {
  if (!existsSync(join(folder, CHECKPOINT_NAME))) return true;
  const replace = vscode.l10n.t('Replace');
  const message = vscode.l10n.t('There is a model in {0}. Training replaces it.', folder);
  return (await vscode.window.showWarningMessage(message, { modal: true }, replace)) === replace;
}

/** The folder, or the first free one of folder-2, folder-3 and so on: an earlier model is never replaced unasked. */
function freeFolder(folder: string): string {
  if (!existsSync(folder)) return folder;
  for (let number = 2; ; number++) {
    const candidate = `${folder}-${number}`;
    if (!existsSync(candidate)) return candidate;
  }
}
