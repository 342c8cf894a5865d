import { basename, relative, sep } from 'node:path';
import * as vscode from 'vscode';
import type { EvaluateParams } from '../../shared/protocol.ts';
import type { DeepfakeContext } from '../context.ts';
import { DisposableStore } from '../disposables.ts';
import { findDatasetFolders } from './datasetFolders.ts';
import { type DeepfakeTaskDefinition, jobOf, TASK_TYPE, taskName } from './deepfakeTask.ts';
import { EvaluationTerminal } from './evaluationTerminal.ts';
import type { TrainingRequest } from './trainingRun.ts';
import { TrainingTerminal } from './trainingTerminal.ts';

/** Offers to train and to evaluate on the folders of the workspace that look like labelled data. */
export class DeepfakeTaskProvider implements vscode.TaskProvider {
  constructor(private readonly context: DeepfakeContext) {}

  async provideTasks(): Promise<vscode.Task[]> {
    const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
    const found = await Promise.all(
      folders.map(async (folder) => {
        const datasets = await findDatasetFolders(folder.uri.fsPath);
        return datasets.flatMap((dataset) =>
          (['train', 'evaluate'] as const).map((command) => {
            const path = relative(folder.uri.fsPath, dataset).split(sep).join('/');
            return deepfakeTask(this.context, { type: TASK_TYPE, command, dataRoot: path || '.' }, folder);
          }),
        );
      }),
    );
    return found.flat();
  }

  /** Gives a task of tasks.json what it runs; its definition stays as it is. */
  resolveTask(task: vscode.Task): vscode.Task {
    return deepfakeTask(this.context, task.definition as DeepfakeTaskDefinition, task.scope, task.name);
  }
}

function deepfakeTask(
  context: DeepfakeContext,
  definition: DeepfakeTaskDefinition,
  scope: vscode.Task['scope'],
  name = taskName(definition),
): vscode.Task {
  const folder = typeof scope === 'object' ? scope : vscode.workspace.workspaceFolders?.[0];
  const execution = new vscode.CustomExecution(async (resolved) =>
    terminalOf(context, resolved, folder?.uri.fsPath ?? ''),
  );
  return new vscode.Task(definition, scope ?? vscode.TaskScope.Workspace, name, TASK_TYPE, execution, []);
}

function terminalOf(
  context: DeepfakeContext,
  definition: Record<string, unknown>,
  folder: string,
): vscode.Pseudoterminal {
  if (definition.command === 'evaluate') {
    return new EvaluationTerminal(
      vscode,
      () => jobOf(definition, folder).params as EvaluateParams,
      async (params, options) => (await context.daemon()).evaluate(params, options),
    );
  }
  return new TrainingTerminal(vscode, () =>
    context.trainings.start(jobOf(definition, folder).params as TrainingRequest),
  );
}

/**
 * Trains in a task, so that VS Code lists it and can end it, and shows the curves in front of it. Throws where another run
 * writes to the same folder.
 */
export async function startTrainingTask(context: DeepfakeContext, request: TrainingRequest): Promise<void> {
  context.trainings.requireFree(request.modelDir);
  const definition: DeepfakeTaskDefinition = { type: TASK_TYPE, command: 'train', ...request };
  const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(request.dataRoot));
  const name = taskName({ command: 'train', dataRoot: basename(request.dataRoot) });
  const task = deepfakeTask(context, definition, folder ?? vscode.TaskScope.Workspace, name);
  task.presentationOptions = {
    reveal: vscode.TaskRevealKind.Silent,
    panel: vscode.TaskPanelKind.Dedicated,
    showReuseMessage: false,
    clear: true,
  };
  const waiting = new DisposableStore();
  waiting.add(
    context.trainings.onDidStart((run) => {
      if (run.request.modelDir !== request.modelDir) return;
      waiting.dispose();
      context.trainings.panels.show(run);
    }),
  );
  try {
    const execution = await vscode.tasks.executeTask(task);
    // It may end without having begun.
    waiting.add(
      vscode.tasks.onDidEndTask((ended) => {
        if (ended.execution === execution) waiting.dispose();
      }),
    );
  } catch (error) {
    waiting.dispose();
    throw error;
  }
}
