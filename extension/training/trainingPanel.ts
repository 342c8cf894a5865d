import * as vscode from 'vscode';
import type {
  FromTrainingPage,
  ToTrainingPage,
  TrainingPageState,
  TrainingView,
} from '../../media/training/messages.ts';
import { messageOf } from '../../shared/errors.ts';
import { Command, WebviewPanel } from '../contributions.ts';
import { DisposableStore } from '../disposables.ts';
import { useModel } from '../model/modelCommands.ts';
import { panelIcon } from '../panelIcon.ts';
import type { Services } from '../services.ts';
import { webviewResources } from '../webviewResources.ts';
import { openMetricsReport } from './metricsReport.ts';
import { trainingHtml } from './trainingHtml.ts';
import type { TrainingRequest, TrainingRun } from './trainingRun.ts';

/** Milliseconds between two updates of a page. */
const UPDATE_INTERVAL_MS = 100;

/** What the pages ask of `Trainings`. */
export interface TrainingStarter {
  /** Keeps a run's figures for when it goes on. */
  remember(view: TrainingView): void;
  startTask(request: TrainingRequest): Promise<void>;
}

/** The open pages with curves, one per run. */
export class TrainingPanels
  implements vscode.WebviewPanelSerializer<TrainingPageState | undefined>, vscode.Disposable
{
  private readonly open = new Map<TrainingRun, vscode.WebviewPanel>();
  private readonly restored = new Set<vscode.WebviewPanel>();

  constructor(
    private readonly services: Services,
    private readonly starter: TrainingStarter,
  ) {}

  /** Opens or reveals the page of a run. */
  show(run: TrainingRun): void {
    const existing = this.open.get(run);
    if (existing !== undefined) {
      existing.reveal();
      return;
    }
    const panel = vscode.window.createWebviewPanel(
      WebviewPanel.training,
      vscode.l10n.t('Training on {0}', run.view.name),
      vscode.ViewColumn.Active,
    );
    this.open.set(run, panel);
    panel.onDidDispose(() => this.open.delete(run));
    new TrainingPanel(this.services, this.starter, panel, () => run.view, run);
  }

  isVisible(run: TrainingRun): boolean {
    return this.open.get(run)?.visible ?? false;
  }

  /** After a reload of the window: a run ends with the window that it was started in, and what it came to is shown. */
  async deserializeWebviewPanel(
    panel: vscode.WebviewPanel,
    state: TrainingPageState | undefined,
  ): Promise<void> {
    if (state === undefined) {
      panel.dispose();
      return;
    }
    const view = interrupted(state.view);
    this.starter.remember(view);
    this.restored.add(panel);
    panel.onDidDispose(() => this.restored.delete(panel));
    new TrainingPanel(this.services, this.starter, panel, () => view);
  }

  dispose(): void {
    for (const panel of [...this.open.values(), ...this.restored]) panel.dispose();
  }
}

function interrupted(view: TrainingView): TrainingView {
  if (view.outcome !== undefined) return view;
  return { ...view, phase: 'ended', secondsLeft: undefined, outcome: { kind: 'interrupted' } };
}

/** One page and the run that it shows. */
class TrainingPanel {
  private readonly owned = new DisposableStore();
  private pageReady = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly services: Services,
    private readonly starter: TrainingStarter,
    private readonly panel: vscode.WebviewPanel,
    private readonly view: () => TrainingView,
    private readonly run?: TrainingRun,
  ) {
    const { webview } = panel;
    webview.options = { enableScripts: true, localResourceRoots: [] };
    panel.iconPath = panelIcon(services.extensionUri, 'training');
    this.owned.add(webview.onDidReceiveMessage((message: FromTrainingPage) => this.receive(message)));
    webview.html = trainingHtml(webviewResources(webview, services.extensionUri, 'training'));
    if (run !== undefined) {
      this.owned.add(run.onDidChange(() => this.update()));
      void run.ended.then(() => this.update());
    }
    panel.onDidDispose(() => {
      clearTimeout(this.timer);
      this.owned.dispose();
    });
  }

  private receive({ type }: FromTrainingPage): void {
    const { outcome } = this.view();
    const model = outcome?.kind === 'failed' ? undefined : outcome?.model;
    switch (type) {
      case 'ready':
        this.pageReady = true;
        this.post();
        break;
      case 'stop':
        this.run?.stop();
        break;
      case 'again':
        this.again().catch((error) => void vscode.window.showErrorMessage(messageOf(error)));
        break;
      case 'useModel':
        if (model !== undefined) void useModel(this.services, model.checkpoint);
        break;
      case 'openReport':
        if (model !== undefined) {
          void openMetricsReport(this.services, vscode.Uri.file(model.reportFile), this.view().name);
        }
        break;
    }
  }

  /** What was stopped goes on, what failed is tried again; a new model beside a finished one is asked about. */
  private async again(): Promise<void> {
    const { outcome, request } = this.view();
    if (outcome?.kind === 'finished') {
      await vscode.commands.executeCommand(Command.train, vscode.Uri.file(request.dataRoot));
      return;
    }
    const resume = outcome?.kind === 'stopped' || outcome?.kind === 'interrupted';
    await this.starter.startTask({ ...request, resume, fresh: undefined });
    // The page of what goes on takes this one's place.
    this.panel.dispose();
  }

  private update(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.post();
    }, UPDATE_INTERVAL_MS);
  }

  private post(): void {
    // The page asks for everything when it is ready.
    const message: ToTrainingPage = { type: 'view', view: this.view() };
    if (this.pageReady) void this.panel.webview.postMessage(message);
  }
}
