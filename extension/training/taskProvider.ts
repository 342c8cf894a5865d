import { relative, sep } from 'node:path';
import * as vscode from 'vscode';
import type { EvaluateParams } from '../../shared/protocol.ts';
import { TASK_TYPE } from '../contributions.ts';
import { findDatasetFolders } from './datasetFolders.ts';
import { type DeepfakeTaskDefinition, jobOf, taskName } from './deepfakeTask.ts';
import { type Evaluate, EvaluationTerminal } from './evaluationTerminal.ts';
import type { TrainingRequest, TrainingRun } from './trainingRun.ts';
import { TrainingTerminal } from './trainingTerminal.ts';

/** What tasks do. */
export interface TaskWork {
  /** Throws where another run writes to the same folder. */
  train(request: TrainingRequest): TrainingRun;
  evaluate: Evaluate;
}

/** Offers to train and to evaluate on the folders of the workspace that look like labelled data. */
export class DeepfakeTaskProvider implements vscode.TaskProvider {
  constructor(private readonly work: TaskWork) {}

  async provideTasks(): Promise<vscode.Task[]> {
    const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
    const found = await Promise.all(
      folders.map(async (folder) => {
        const datasets = await findDatasetFolders(folder.uri.fsPath);
        return datasets.flatMap((dataset) =>
          (['train', 'evaluate'] as const).map((command) => {
            const path = relative(folder.uri.fsPath, dataset).split(sep).join('/');
            return deepfakeTask(this.work, { type: TASK_TYPE, command, dataRoot: path || '.' }, folder);
          }),
        );
      }),
    );
    return found.flat();
  }

  /** Gives a task of tasks.json what it runs; its definition stays as it is. */
  resolveTask(task: vscode.Task): vscode.Task {
    return deepfakeTask(this.work, task.definition as DeepfakeTaskDefinition, task.scope, task.name);
  }
}

/** A task that runs in a terminal of its own. */
export function deepfakeTask(
  work: TaskWork,
  definition: DeepfakeTaskDefinition,
  scope: vscode.Task['scope'],
  name = taskName(definition),
): vscode.Task {
  const folder = typeof scope === 'object' ? scope : vscode.workspace.workspaceFolders?.[0];
  const execution = new vscode.CustomExecution(async (resolved) =>
    terminalOf(work, resolved, folder?.uri.fsPath ?? ''),
  );
  return new vscode.Task(definition, scope ?? vscode.TaskScope.Workspace, name, TASK_TYPE, execution, []);
}

function terminalOf(
  work: TaskWork,
  definition: Record<string, unknown>,
  folder: string,
): vscode.Pseudoterminal {
  if (definition.command === 'evaluate') {
    return new EvaluationTerminal(
      vscode,
      () => jobOf(definition, folder).params as EvaluateParams,
      (params, options) => work.evaluate(params, options),
    );
  }
  return new TrainingTerminal(vscode, () => work.train(jobOf(definition, folder).params as TrainingRequest));
}
