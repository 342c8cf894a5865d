import { existsSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import * as vscode from 'vscode';
import { messageOf } from '../../shared/errors.ts';
import { CHECKPOINT_NAME, CONFIG_NAME } from '../../shared/modelFiles.ts';
import { Setting } from '../contributions.ts';
import { pickFolder } from '../folders.ts';
import type { Services } from '../services.ts';
import { daemonOptions } from '../settings.ts';
import { withSlowProgress } from '../slowProgress.ts';
import { describeModels, modelSettingOf } from './modelFolders.ts';

const MAX_MODELS_FOUND = 200;
const SHIPPED_CHECKPOINT = ['models', CHECKPOINT_NAME];

interface ModelItem extends vscode.QuickPickItem {
  /** Null: the shipped model; absent: ask for a file. */
  checkpoint?: string | null;
}

/** "Select Model…": the shipped model, those in the workspace, or any other. */
export async function selectModel(services: Services): Promise<void> {
  const item = await vscode.window.showQuickPick(modelItems(services), {
    title: vscode.l10n.t('Select Model'),
    placeHolder: vscode.l10n.t('The model that detects from now on'),
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (item === undefined) return;
  const checkpoint = item.checkpoint === undefined ? await pickCheckpoint() : item.checkpoint;
  if (checkpoint !== undefined) await useModel(services, checkpoint ?? undefined);
}

async function modelItems(services: Services): Promise<ModelItem[]> {
  const inUse = daemonOptions().checkpoint;
  const mark = vscode.l10n.t('in use');
  const shippedConfig = vscode.Uri.joinPath(services.extensionUri, 'models', CONFIG_NAME);
  const [shipped] = await describeModels([shippedConfig.fsPath]);
  const items: ModelItem[] = [
    {
      label: `$(package) ${shipped?.name ?? vscode.l10n.t('Shipped model')}`,
      description: [vscode.l10n.t('comes with the extension'), ...(inUse === undefined ? [mark] : [])].join(
        ', ',
      ),
      checkpoint: null,
    },
  ];
  const configs = await vscode.workspace.findFiles(
    `**/${CONFIG_NAME}`,
    '**/node_modules/**',
    MAX_MODELS_FOUND,
  );
  const found = await describeModels(configs.map(({ fsPath }) => fsPath));
  if (found.length > 0) {
    items.push({ label: vscode.l10n.t('In this workspace'), kind: vscode.QuickPickItemKind.Separator });
  }
  for (const { checkpoint, name, description } of found) {
    items.push({
      label: `$(circuit-board) ${name}`,
      description: [description, ...(checkpoint === inUse ? [mark] : [])].filter(Boolean).join(', '),
      detail: vscode.workspace.asRelativePath(checkpoint),
      checkpoint,
    });
  }
  if (inUse !== undefined && !found.some(({ checkpoint }) => checkpoint === inUse)) {
    items.push({
      label: `$(circuit-board) ${basename(inUse)}`,
      description: mark,
      detail: inUse,
      checkpoint: inUse,
    });
  }
  items.push(
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    { label: `$(folder-opened) ${vscode.l10n.t('Browse…')}` },
  );
  return items;
}

async function pickCheckpoint(): Promise<string | undefined> {
  const [file] =
    (await vscode.window.showOpenDialog({
      title: vscode.l10n.t('Select Model'),
      openLabel: vscode.l10n.t('Use this model'),
      filters: { [vscode.l10n.t('Checkpoints')]: ['safetensors'] },
    })) ?? [];
  return file?.fsPath;
}

/** Loads a model, the shipped one where none is named, and makes it the one that the settings name. */
export async function useModel(services: Services, checkpoint: string | undefined): Promise<void> {
  try {
    const title = vscode.l10n.t('Loading the model');
    await withSlowProgress(title, async () => {
      const model = await (await services.daemon()).tryModel(checkpoint);
      await rememberModel(checkpoint);
      const name =
        checkpoint === undefined
          ? model.name
          : `${model.name}, ${vscode.workspace.asRelativePath(checkpoint)}`;
      void vscode.window.showInformationMessage(vscode.l10n.t('Model in use from now on: {0}', name));
    });
  } catch (error) {
    void vscode.window.showErrorMessage(messageOf(error));
  }
}

async function rememberModel(checkpoint: string | undefined): Promise<void> {
  const configuration = vscode.workspace.getConfiguration();
  const { Global, Workspace } = vscode.ConfigurationTarget;
  const known = configuration.inspect<string>(Setting.model);
  if (checkpoint === undefined) {
    if (known?.workspaceValue) await configuration.update(Setting.model, undefined, Workspace);
    if (known?.globalValue) await configuration.update(Setting.model, undefined, Global);
    return;
  }
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const { value, inWorkspace } = modelSettingOf(checkpoint, folder);
  // A value of the workspace hides one for all workspaces.
  const target = inWorkspace || known?.workspaceValue ? Workspace : Global;
  await configuration.update(Setting.model, value, target);
}

/** "Import PyTorch Checkpoint…": a `.pth` file becomes a model that can be used. */
export async function importModel(services: Services, clicked?: vscode.Uri): Promise<void> {
  const file = clicked ?? (await pickTorchFile());
  if (file === undefined) return;
  const config = await configFor(file);
  if (config === 'none') return;
  const folder = await pickImportFolder(file);
  if (folder === undefined) return;
  try {
    await withSlowProgress(vscode.l10n.t('Importing {0}', basename(file.fsPath)), async (token) => {
      const params = { checkpoint: file.fsPath, config, folder };
      const { name, checkpoint } = await (await services.daemon()).importModel(params, { token });
      void offerModel(services, vscode.l10n.t('Imported {0} to {1}.', name, folder), checkpoint);
    });
  } catch (error) {
    void vscode.window.showErrorMessage(messageOf(error));
  }
}

async function offerModel(services: Services, message: string, checkpoint: string): Promise<void> {
  const use = vscode.l10n.t('Use this model');
  if ((await vscode.window.showInformationMessage(message, use)) === use)
    await useModel(services, checkpoint);
}

async function pickTorchFile(): Promise<vscode.Uri | undefined> {
  const [file] =
    (await vscode.window.showOpenDialog({
      title: vscode.l10n.t('Import PyTorch Checkpoint'),
      openLabel: vscode.l10n.t('Import'),
      filters: { [vscode.l10n.t('PyTorch checkpoints')]: ['pth', 'pt'] },
    })) ?? [];
  return file;
}

/** The configuration to read a checkpoint with; undefined where it lies beside it, 'none' where the user gives up. */
async function configFor(checkpoint: vscode.Uri): Promise<string | undefined | 'none'> {
  if (existsSync(join(dirname(checkpoint.fsPath), CONFIG_NAME))) return undefined;
  const choose = vscode.l10n.t('Choose file…');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('There is no {0} beside {1}.', CONFIG_NAME, basename(checkpoint.fsPath)),
    {
      modal: true,
      detail: vscode.l10n.t(
        'It says how the model wants its sound. Training wrote it together with the checkpoint.',
      ),
    },
    choose,
  );
  if (answer !== choose) return 'none';
  const [file] =
    (await vscode.window.showOpenDialog({
      title: vscode.l10n.t("The model's configuration"),
      filters: { JSON: ['json'] },
    })) ?? [];
  return file?.fsPath ?? 'none';
}

/** A folder of the workspace named after the file, or any other. */
async function pickImportFolder(file: vscode.Uri): Promise<string | undefined> {
  const root = vscode.workspace.getWorkspaceFolder(file) ?? vscode.workspace.workspaceFolders?.[0];
  const stem = basename(file.fsPath, extname(file.fsPath));
  if (root === undefined) return pickFolder(vscode.l10n.t('Where the model is saved'));
  const proposed = join(root.uri.fsPath, 'models', stem);
  const items = [
    { label: `$(folder) ${vscode.workspace.asRelativePath(proposed)}`, folder: proposed },
    { label: `$(folder-opened) ${vscode.l10n.t('Another folder…')}`, folder: undefined },
  ];
  const item = await vscode.window.showQuickPick(items, { title: vscode.l10n.t('Where the model is saved') });
  if (item === undefined) return undefined;
  return item.folder ?? pickFolder(vscode.l10n.t('Where the model is saved'));
}

/** "Export to ONNX…": the model in use, or the checkpoint clicked, as a file that other programs run. */
export async function exportOnnx(services: Services, clicked?: vscode.Uri): Promise<void> {
  const root = vscode.workspace.workspaceFolders?.[0]?.uri;
  const shipped = vscode.Uri.joinPath(services.extensionUri, ...SHIPPED_CHECKPOINT).fsPath;
  const checkpoint = clicked?.fsPath ?? daemonOptions().checkpoint ?? shipped;
  const name = `${basename(checkpoint, extname(checkpoint))}.onnx`;
  const target = await vscode.window.showSaveDialog({
    title: vscode.l10n.t('Export to ONNX'),
    saveLabel: vscode.l10n.t('Export'),
    filters: { ONNX: ['onnx'] },
    defaultUri:
      clicked === undefined
        ? root && vscode.Uri.joinPath(root, name)
        : vscode.Uri.joinPath(clicked, '..', name),
  });
  if (target === undefined) return;
  try {
    await withSlowProgress(vscode.l10n.t('Exporting the model'), async (token) => {
      const params = { onnxFile: target.fsPath, checkpoint: clicked?.fsPath };
      const { name: modelName } = await (await services.daemon()).exportModel(params, { token });
      void vscode.window.showInformationMessage(
        vscode.l10n.t('Exported {0} to {1}.', modelName, target.fsPath),
      );
    });
  } catch (error) {
    void vscode.window.showErrorMessage(messageOf(error));
  }
}
