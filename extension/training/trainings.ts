import * as vscode from 'vscode';
import type { TrainingOutcome, TrainingView } from '../../media/training/messages.ts';
import { outcomeText, outcomeTitle, statusText } from '../../media/training/wording.ts';
import { ErrorCode, messageOf } from '../../shared/errors.ts';
import type { EpochReport } from '../../shared/protocol.ts';
import type { DeepfakeContext } from '../context.ts';
import { Command } from '../contributions.ts';
import { DisposableStore } from '../disposables.ts';
import { useModel } from '../model/modelCommands.ts';
import { openMetricsReport } from './metricsReport.ts';
import { startTrainingTask } from './taskProvider.ts';
import { TrainingPanels } from './trainingPanel.ts';
import { type Train, type TrainingRequest, TrainingRun } from './trainingRun.ts';

/** The training runs of this window. */
export class Trainings implements vscode.Disposable {
  private readonly owned = new DisposableStore();
  private readonly active = new Set<TrainingRun>();
  private latest: TrainingRun | undefined;
  /** Figures of runs that may go on, by the folder of their model. */
  private readonly earlier = new Map<string, readonly EpochReport[]>();
  private readonly started = this.owned.add(new vscode.EventEmitter<TrainingRun>());
  readonly onDidStart = this.started.event;
  readonly panels: TrainingPanels;
  private status: vscode.StatusBarItem | undefined;

  constructor(private readonly context: DeepfakeContext) {
    this.panels = this.owned.add(new TrainingPanels(context));
  }

  /** Throws where a run writes to this folder. */
  requireFree(modelDir: string): void {
    if (![...this.active].some((run) => run.request.modelDir === modelDir)) return;
    throw new Error(
      vscode.l10n.t(
        'A model is being trained into {0} already: wait for it, stop it, or choose another folder.',
        modelDir,
      ),
    );
  }

  /** Starts a run. Throws where another one writes to the same folder. */
  start(request: TrainingRequest): TrainingRun {
    this.requireFree(request.modelDir);
    const run = new TrainingRun(vscode, request, this.train, this.earlier.get(request.modelDir));
    this.active.add(run);
    this.latest = run;
    run.onDidChange(() => this.updateStatus());
    this.updateStatus();
    void run.ended.then((outcome) => {
      this.active.delete(run);
      this.remember(run.view);
      this.updateStatus();
      if (this.panels.isVisible(run)) return;
      this.announce(run, outcome).catch((error) => void vscode.window.showErrorMessage(messageOf(error)));
    });
    this.started.fire(run);
    return run;
  }

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

  /** Asks the user where the folder holds a run that was not finished. */
  private readonly train: Train = async (request, onEvent, token) => {
    const daemon = await this.context.daemon();
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
    if (choice === resume)
      await startTrainingTask(this.context, { ...run.request, resume: true, fresh: undefined });
    if (model === undefined) return;
    if (choice === use) await useModel(this.context, model.checkpoint);
    if (choice === report) {
      await openMetricsReport(this.context, vscode.Uri.file(model.reportFile), run.view.name);
    }
  }

  /** While something is being trained, the status bar says how far it is; a click shows the curves. */
  private updateStatus(): void {
    const [run] = this.active;
    if (run === undefined) {
      if (this.status !== undefined) this.owned.delete(this.status);
      this.status = undefined;
      return;
    }
    if (this.status === undefined) {
      this.status = this.owned.add(
        vscode.window.createStatusBarItem('deepfake.training', vscode.StatusBarAlignment.Left),
      );
      this.status.name = vscode.l10n.t('Deepfake training');
      this.status.command = Command.showTraining;
      this.status.show();
    }
    const { phase, epoch, epochs, name } = run.view;
    const text =
      phase === 'training'
        ? vscode.l10n.t('Training: epoch {0} of {1}', epoch, epochs)
        : statusText(run.view);
    this.status.text = `$(loading~spin) ${text}`;
    this.status.tooltip = vscode.l10n.t('A detector is being trained on {0}. Click to see the curves.', name);
    this.status.accessibilityInformation = { label: text, role: 'button' };
  }
}
