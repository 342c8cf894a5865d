import { t } from '@vscode/l10n';
import type * as vscode from 'vscode';
import type { TrainingOutcome } from '../../media/training/messages.ts';
import {
  datasetText,
  fractionDone,
  outcomeText,
  outcomeTitle,
  share,
  statusText,
} from '../../media/training/wording.ts';
import type { EpochReport, TrainingEvent } from '../../shared/protocol.ts';
import { bold, cyan, dim, green, LiveTerminal, red, yellow } from './liveTerminal.ts';
import type { TrainingRun } from './trainingRun.ts';

/** Exit codes of the task: as shells have it for a program that was interrupted. */
const FAILED = 1;
const STOPPED = 130;

/** The terminal of a training task: a line per epoch, a live line below, a summary at the end. */
export class TrainingTerminal extends LiveTerminal {
  private run: TrainingRun | undefined;
  private datasetWritten = false;
  private lowestEer = Number.POSITIVE_INFINITY;

  /** @param start Starts the run when the terminal is open; its error is the terminal's last word. */
  constructor(
    api: Pick<typeof vscode, 'EventEmitter'>,
    private readonly start: () => TrainingRun,
  ) {
    super(api);
  }

  protected override begin(): void {
    let run: TrainingRun;
    try {
      run = this.start();
    } catch (error) {
      this.fail(error);
      return;
    }
    this.run = run;
    const { name, request } = run.view;
    this.line(bold(t('Training a detector on {0}', name)));
    this.line(dim(t('Recipe {0}; the model goes to {1}', request.recipe, request.modelDir)));
    this.line(dim(t('Ctrl+C stops and keeps the model so far.')));
    this.live(this.liveLine());
    run.onDidChange((event) => {
      if (event !== undefined) this.show(event);
      if (run.view.phase !== 'ended') this.live(this.liveLine());
    });
    void run.ended.then((outcome) => this.conclude(outcome));
  }

  protected override interrupt(): void {
    this.run?.stop();
  }

  private show(event: TrainingEvent): void {
    // A run that goes on by itself looks at its data again.
    if (event.type === 'dataset' && !this.datasetWritten) {
      this.datasetWritten = true;
      this.line(datasetText(event));
      this.line(dim(t('Engine: {0} on {1}', event.engine.name, event.engine.device)));
      for (const warning of event.warnings) this.line(yellow(warning));
      this.line('');
    }
    if (event.type === 'resuming') {
      this.line(cyan(t('Going on in epoch {0} of {1}', event.epoch, event.epochs)));
      for (const warning of event.warnings) this.line(yellow(warning));
    }
    if (event.type === 'epoch') {
      const { report } = event;
      const isFirst = this.lowestEer === Number.POSITIVE_INFINITY;
      if (isFirst) this.line(dim(tableHeader()));
      const note = !isFirst && report.valEer < this.lowestEer ? `  ${green(t('lowest EER so far'))}` : '';
      this.lowestEer = Math.min(this.lowestEer, report.valEer);
      this.line(`${tableRow(report)}${note}`);
    }
  }

  private liveLine(): string {
    const { view } = this.run!;
    const fraction = fractionDone(view);
    const bar = fraction === undefined ? '' : `${progressBar(fraction)} `;
    return `${cyan(bar)}${statusText(view)}`;
  }

  private conclude(outcome: TrainingOutcome): void {
    const colour = { finished: green, stopped: yellow, interrupted: yellow, failed: red }[outcome.kind];
    this.live('');
    this.line('');
    this.line(colour(bold(outcomeTitle(outcome))));
    this.line(outcomeText(outcome));
    if (outcome.kind !== 'failed' && outcome.model !== undefined) {
      this.line(t('Model: {0}', outcome.model.checkpoint));
      this.line(t('Report: {0}', outcome.model.reportFile));
    }
    this.end({ finished: 0, stopped: STOPPED, interrupted: STOPPED, failed: FAILED }[outcome.kind]);
  }
}

const COLUMNS = [10, 10, 12, 10, 8];

const columns = (texts: string[]): string => texts.map((text, i) => text.padStart(COLUMNS[i])).join('');

const tableHeader = (): string => columns([t('Epoch'), t('Loss'), t('Accuracy'), t('EER'), t('F1')]);

const tableRow = ({ epoch, epochs, loss, valAccuracy, valEer, valF1 }: EpochReport): string =>
  columns([`${epoch}/${epochs}`, loss.toFixed(4), share(valAccuracy), share(valEer), valF1.toFixed(3)]);

const BAR_WIDTH = 20;

function progressBar(fraction: number): string {
  const full = Math.round(BAR_WIDTH * fraction);
  return `${'━'.repeat(full)}${dim('─'.repeat(BAR_WIDTH - full))}`;
}
