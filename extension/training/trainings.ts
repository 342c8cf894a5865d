import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { TrainingOutcome, TrainingView } from '../../media/training/messages.ts';
import { outcomeText, outcomeTitle } from '../../media/training/wording.ts';
import { ErrorCode, messageOf } from '../../shared/errors.ts';
import type { EpochReport } from '../../shared/protocol.ts';
import { TASK_TYPE } from '../contributions.ts';
import { DisposableStore } from '../disposables.ts';
import { useModel } from '../model/modelCommands.ts';
import type { Services } from '../services.ts';
import { type DeepfakeTaskDefinition, taskName } from './deepfakeTask.ts';
import type { Evaluate } from './evaluationTerminal.ts';
import { openMetricsReport } from './metricsReport.ts';
import { deepfakeTask, type TaskWork } from './taskProvider.ts';
import { TrainingPanels } from './trainingPanel.ts';
import { type Train, type TrainingRequest, TrainingRun } from './trainingRun.ts';
import { TrainingStatusItem } from './trainingStatusItem.ts';

/** The training runs of this window. */
export class Trainings implements TaskWork, vscode.Disposable {
  private readonly owned = new DisposableStore();
  private readonly active = new Set<TrainingRun>();
  private latest: TrainingRun | undefined;
  /** Figures of runs that may go on, by the folder of their model. */
  private readonly earlier = new Map<string, readonly EpochReport[]>();
  private readonly started = this.owned.add(new vscode.EventEmitter<TrainingRun>());
  readonly panels: TrainingPanels;
  private readonly status = this.owned.add(new TrainingStatusItem());

  constructor(private readonly services: Services) {
    this.panels = this.owned.add(new TrainingPanels(services, this));
  }

  /** Starts a run. Throws where another one writes to the same folder. */
  train(request: TrainingRequest): TrainingRun {
    this.requireFree(request.modelDir);
    const run = new TrainingRun(vscode, request, this.requestTraining, this.earlier.get(request.modelDir));
    this.active.add(run);
    this.latest = run;
    run.onDidChange(() => this.showStatus());
    this.showStatus();
    void run.ended.then((outcome) => {
      this.active.delete(run);
      this.remember(run.view);
      this.showStatus();
      if (this.panels.isVisible(run)) return;
      this.announce(run, outcome).catch((error) => void vscode.window.showErrorMessage(messageOf(error)));
    });
    this.started.fire(run);
    return run;
  }

  /**
   * Trains in a task, so that VS Code lists it and can end it, and shows the curves in front of it. Throws where another run
   * writes to the same folder.
   */
  async startTask(request: TrainingRequest): Promise<void> {
    this.requireFree(request.modelDir);
    const definition: DeepfakeTaskDefinition = { type: TASK_TYPE, command: 'train', ...request };
    const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(request.dataRoot));
    const name = taskName({ command: 'train', dataRoot: basename(request.dataRoot) });
    const task = deepfakeTask(this, definition, folder ?? vscode.TaskScope.Workspace, name);
    task.presentationOptions = {
      reveal: vscode.TaskRevealKind.Silent,
      panel: vscode.TaskPanelKind.Dedicated,
      showReuseMessage: false,
      clear: true,
    };
    const waiting = new DisposableStore();
    waiting.add(
      this.started.event((run) => {
        if (run.request.modelDir !== request.modelDir) return;
        waiting.dispose();
        this.panels.show(run);
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

  readonly evaluate: Evaluate = async (params, options) =>
    (await this.services.daemon()).evaluate(params, options);

  /** Keeps a run's figures for when it goes on. */
  remember({ request, reports }: TrainingView): void {
    this.earlier.set(request.modelDir, reports);
  }

  /** The curves of the run that was started last. */
  showLatest(): void {
    if (this.latest !== undefined) this.panels.show(this.latest);
    else {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('No detector has been trained in this window yet.'),
      );
    }
  }

  dispose(): void {
    for (const run of this.active) run.stop();
    this.owned.dispose();
  }

  /** Throws where a run writes to this folder. */
  private requireFree(modelDir: string): void {
    if (![...this.active].some((run) => run.request.modelDir === modelDir)) return;
    throw new Error(
      vscode.l10n.t(
        'A model is being trained into {0} already: wait for it, stop it, or choose another folder.',
        modelDir,
      ),
    );
  }

  private showStatus(): void {
    const [run] = this.active;
    this.status.show(run?.view);
  }

  /** Asks the user where the folder holds a run that was not finished. */
  private readonly requestTraining: Train = async (request, onEvent, token) => {
    const daemon = await this.services.daemon();
    try {
      return await daemon.train(request, onEvent, token);
    } catch (error) {
      if ((error as { code?: unknown }).code !== ErrorCode.TrainingUnfinished) throw error;
      const goOn = vscode.l10n.t('Resume');
      const anew = vscode.l10n.t('Begin anew');
      const choice = await vscode.window.showWarningMessage(
        vscode.l10n.t('There is an unfinished training run in {0}.', request.modelDir),
        { modal: true, detail: vscode.l10n.t('It can go on where it was, or be given up.') },
        goOn,
        anew,
      );
      if (choice === undefined) {
        throw new Error(vscode.l10n.t('The unfinished run in {0} was left as it is.', request.modelDir));
      }
      return daemon.train(
        { ...request, ...(choice === goOn ? { resume: true } : { fresh: true }) },
        onEvent,
        token,
      );
    }
  };

  private async announce(run: TrainingRun, outcome: TrainingOutcome): Promise<void> {
    const message = `${outcomeTitle(outcome)} (${run.view.name}). ${outcomeText(outcome)}`;
    const curves = vscode.l10n.t('Show curves');
    if (outcome.kind === 'failed') {
      const choice = await vscode.window.showErrorMessage(message, curves);
      if (choice === curves) this.panels.show(run);
      return;
    }
    const use = vscode.l10n.t('Use this model');
    const report = vscode.l10n.t('Open report');
    const { model } = outcome;
    const resume = vscode.l10n.t('Resume');
    const canGoOn = outcome.kind === 'stopped';
    const choice = await vscode.window.showInformationMessage(
      message,
      ...(canGoOn ? [resume] : []),
      ...(model === undefined ? [] : [use, report]),
      curves,
    );
    if (choice === curves) this.panels.show(run);
    if (choice === resume) await this.startTask({ ...run.request, resume: true, fresh: undefined });
    if (model === undefined) return;
    if (choice === use) await useModel(this.services, model.checkpoint);
    if (choice === report) {
      await openMetricsReport(this.services, vscode.Uri.file(model.reportFile), run.view.name);
    }
  }
}
