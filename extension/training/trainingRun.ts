import { t } from '@vscode/l10n';
import type * as vscode from 'vscode';
import type { TrainingOutcome, TrainingView } from '../../media/training/messages.ts';
import { ErrorCode, messageOf } from '../../shared/errors.ts';
import type { EpochReport, TrainingEvent, TrainResult } from '../../shared/protocol.ts';
import { DaemonLostError } from '../client/daemonErrors.ts';
import { TrainingProgress, trainedModel } from './trainingProgress.ts';

/** The parts of VS Code that a run needs. */
export type RunApi = Pick<typeof vscode, 'EventEmitter' | 'CancellationTokenSource' | 'CancellationError'>;

/** LSP's code of a request that was cancelled. */
const REQUEST_CANCELLED = -32800;

export type TrainingRequest = TrainingView['request'];

/** Sends a training request to the daemon. */
export type Train = (
  request: TrainingRequest,
  onEvent: (event: TrainingEvent) => void,
  token: vscode.CancellationToken,
) => Promise<TrainResult>;

/** How often in a row a daemon may end without having got any further. */
const MAX_LOSSES = 3;

/**
 * Trains, and goes on where the run was whenever the daemon has ended meanwhile, be it by a crash or by a restart. `resume` means: go
 * on with an unfinished run where there is one.
 */
export async function keepTraining(
  request: TrainingRequest,
  onEvent: (event: TrainingEvent) => void,
  token: vscode.CancellationToken,
  train: Train,
): Promise<TrainResult> {
  let { resume = false } = request;
  let losses = 0;
  for (;;) {
    try {
      const result = await train(
        { ...request, resume, fresh: resume ? undefined : request.fresh },
        (event) => {
          if (event.type === 'epoch') losses = 0;
          onEvent(event);
        },
        token,
      );
      // A daemon that is asked to end stops its runs.
      if (!result.cancelled || token.isCancellationRequested) return result;
    } catch (error) {
      if (token.isCancellationRequested) throw error;
      if (resume && codeOf(error) === ErrorCode.InvalidArguments && losses < MAX_LOSSES) {
        losses++;
        resume = false;
        continue;
      }
      if (!isLoss(error) || losses >= MAX_LOSSES) throw error;
    }
    losses++;
    resume = true;
  }
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | undefined)?.code;

/** The daemon has ended, or was asked to, before the answer. */
const isLoss = (error: unknown): boolean =>
  error instanceof DaemonLostError || codeOf(error) === REQUEST_CANCELLED;

/** One training run, from its start to its outcome; task, page and status bar follow it. */
export class TrainingRun {
  private readonly progress: TrainingProgress;
  private readonly changed: vscode.EventEmitter<TrainingEvent | undefined>;
  private readonly cancellation: vscode.CancellationTokenSource;
  /** Fires with each event of the run, and with undefined for what is no event: a request to stop, and the end. */
  readonly onDidChange: vscode.Event<TrainingEvent | undefined>;
  /** Never rejects. */
  readonly ended: Promise<TrainingOutcome>;

  constructor(
    { EventEmitter, CancellationTokenSource, CancellationError }: RunApi,
    readonly request: TrainingRequest,
    train: Train,
    earlier?: readonly EpochReport[],
  ) {
    this.progress = new TrainingProgress(request, earlier);
    this.changed = new EventEmitter();
    this.onDidChange = this.changed.event;
    this.cancellation = new CancellationTokenSource();
    const isCancellation = (error: unknown) =>
      error instanceof CancellationError || this.cancellation.token.isCancellationRequested;
    this.ended = this.execute(train, isCancellation).then((outcome) => {
      this.progress.end(outcome);
      this.changed.fire(undefined);
      this.changed.dispose();
      this.cancellation.dispose();
      return outcome;
    });
  }

  get view(): TrainingView {
    return this.progress.view;
  }

  /** Ends the run after the step under way; the best epoch is kept. */
  stop(): void {
    if (this.view.phase === 'ended' || this.view.phase === 'stopping') return;
    this.progress.stop();
    this.changed.fire(undefined);
    this.cancellation.cancel();
  }

  private async execute(train: Train, isCancellation: (error: unknown) => boolean): Promise<TrainingOutcome> {
    try {
      const receive = (event: TrainingEvent) => {
        this.progress.apply(event);
        this.changed.fire(event);
      };
      const result = await keepTraining(this.request, receive, this.cancellation.token, train);
      return { kind: result.cancelled ? 'stopped' : 'finished', model: trainedModel(result) };
    } catch (error) {
      if (isCancellation(error)) return { kind: 'stopped' };
      return { kind: 'failed', message: messageOf(error) || t('Training failed for an unknown reason.') };
    }
  }
}
