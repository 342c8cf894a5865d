import { basename } from 'node:path';
import type { TrainedModel, TrainingOutcome, TrainingView } from '../../media/training/messages.ts';
import type { EpochReport, EvaluatedClips, TrainingEvent, TrainResult } from '../../shared/protocol.ts';

/** Follows a run's events and says how it stands. */
export class TrainingProgress {
  readonly view: TrainingView;

  /** @param earlier Figures of the run's epochs before it was interrupted, in case it goes on. */
  constructor(
    request: TrainingView['request'],
    private readonly earlier: readonly EpochReport[] = [],
  ) {
    this.view = {
      name: basename(request.dataRoot),
      request,
      phase: 'starting',
      epoch: 0,
      epochs: 0,
      reports: [],
    };
  }

  apply(event: TrainingEvent): void {
    const { view } = this;
    switch (event.type) {
      case 'dataset': {
        const { type: _, epochs, batchSize: __, ...dataset } = event;
        Object.assign(view, { dataset, epochs, clips: undefined });
        this.enter('preparing');
        break;
      }
      case 'resuming':
        view.epoch = event.epoch;
        view.epochs = event.epochs;
        view.resumedIn = event.epoch;
        // The epoch that was under way will be reported again.
        view.reports = (view.reports.length > 0 ? view.reports : this.earlier).filter(
          ({ epoch }) => epoch < event.epoch,
        );
        break;
      case 'preparing':
      case 'validating':
      case 'testing':
        view.clips = { done: event.done, total: event.total };
        this.enter(event.type);
        break;
      case 'step':
        view.steps = { done: event.step, total: event.steps };
        view.epoch = event.epoch;
        view.epochs = event.epochs;
        view.examplesPerSecond = event.examplesPerSecond;
        view.secondsLeft = event.secondsLeft;
        this.enter('training');
        break;
      case 'epoch':
        view.reports = [...view.reports.filter(({ epoch }) => epoch < event.report.epoch), event.report];
        view.epochs = event.report.epochs;
        view.epoch = event.report.epoch;
        this.enter('training');
        break;
    }
  }

  /** The user has asked for the end. */
  stop(): void {
    if (this.view.phase !== 'ended') this.view.phase = 'stopping';
  }

  end(outcome: TrainingOutcome): void {
    this.view.phase = 'ended';
    this.view.outcome = outcome;
    this.view.secondsLeft = undefined;
  }

  /** What comes after the user has asked for the end no longer changes what is said about it. */
  private enter(phase: TrainingView['phase']): void {
    if (this.view.phase !== 'stopping') this.view.phase = phase;
  }
}

/** What is shown of a finished run. */
export function trainedModel(result: TrainResult): TrainedModel {
  const scores = ({ metrics }: Pick<EvaluatedClips, 'metrics'>) => ({
    eer: metrics.eer,
    accuracy: metrics.accuracy,
  });
  const { checkpoint, reportFile, bestEpoch, epochsRun, test } = result;
  return {
    checkpoint,
    reportFile: test?.reportFile ?? reportFile,
    bestEpoch,
    epochsRun,
    validation: scores(result),
    ...(test === undefined ? {} : { test: scores(test) }),
  };
}
