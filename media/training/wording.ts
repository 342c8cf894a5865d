import { t } from '@vscode/l10n';
import type { EpochReport } from '../../shared/protocol.ts';
import { durationText } from '../../shared/wording.ts';
import type { DatasetCounts, Scores, TrainedModel, TrainingOutcome, TrainingView } from './messages.ts';

/** 0.1234 → 12.3 %. */
export const share = (value: number): string => `${(100 * value).toFixed(1)} %`;

export function datasetText({ genuine, deepfake, training, validation, testing }: DatasetCounts): string {
  return testing > 0
    ? t(
        '{0} genuine and {1} deepfake clips: {2} to train on, {3} to validate, {4} to test',
        genuine,
        deepfake,
        training,
        validation,
        testing,
      )
    : t(
        '{0} genuine and {1} deepfake clips: {2} to train on, {3} to validate',
        genuine,
        deepfake,
        training,
        validation,
      );
}

/** What the run is doing, in a line. */
export function statusText(view: TrainingView): string {
  const { phase, clips, steps, epoch, epochs, examplesPerSecond } = view;
  switch (phase) {
    case 'starting':
      return t('Starting…');
    case 'preparing':
      return clips === undefined
        ? t('Reading the clips…')
        : t('Reading clip {0} of {1}', clips.done, clips.total);
    case 'validating':
      return t(
        'Epoch {0} of {1} · validating on clip {2} of {3}',
        epoch,
        epochs,
        clips?.done ?? 0,
        clips?.total ?? 0,
      );
    case 'testing':
      return t('Testing on clip {0} of {1}', clips?.done ?? 0, clips?.total ?? 0);
    case 'stopping':
      return t('Stopping after this step…');
    case 'ended':
      return '';
    case 'training': {
      const parts = [t('Epoch {0} of {1}', epoch, epochs)];
      if (steps !== undefined) parts.push(t('step {0} of {1}', steps.done, steps.total));
      if (examplesPerSecond !== undefined) parts.push(t('{0} examples/s', Math.round(examplesPerSecond)));
      const left = timeLeft(view);
      if (left !== undefined) parts.push(left);
      return parts.join(' · ');
    }
  }
}

/** "1:20 min left", or undefined while nobody knows. */
export function timeLeft({ secondsLeft }: TrainingView): string | undefined {
  return secondsLeft === undefined ? undefined : t('{0} left', durationText(Math.ceil(secondsLeft)));
}

/** Share of the run that is done, in [0, 1]; undefined while there is nothing to count. */
export function fractionDone({ phase, clips, steps }: TrainingView): number | undefined {
  const counted = phase === 'preparing' || phase === 'testing' ? clips : steps;
  return counted === undefined || counted.total === 0 ? undefined : counted.done / counted.total;
}

export function outcomeTitle({ kind }: TrainingOutcome): string {
  switch (kind) {
    case 'finished':
      return t('Training finished');
    case 'stopped':
      return t('Training stopped');
    case 'interrupted':
      return t('Training was interrupted');
    case 'failed':
      return t('Training failed');
  }
}

/** What became of the run, in one or two sentences. */
export function outcomeText(outcome: TrainingOutcome): string {
  if (outcome.kind === 'failed') return outcome.message;
  if (outcome.kind === 'interrupted')
    return t('The window was closed or reloaded. The run can go on where it was.');
  if (outcome.model === undefined)
    return t('No epoch had ended, so there is no model yet. The run can go on where it was.');
  return modelText(outcome.model);
}

function modelText({ bestEpoch, epochsRun, validation, test }: TrainedModel): string {
  const kept = t(
    'Epoch {0} of {1} was kept: validation EER {2}, accuracy {3}.',
    bestEpoch,
    epochsRun,
    share(validation.eer),
    share(validation.accuracy),
  );
  return test === undefined ? kept : `${kept} ${testText(test)}`;
}

const testText = ({ eer, accuracy }: Scores): string =>
  t('Testing part: EER {0}, accuracy {1}.', share(eer), share(accuracy));

/** An epoch's figures in words. */
export function epochText({ epoch, epochs, loss, valEer }: EpochReport): string {
  return t('Epoch {0} of {1}: loss {2}, validation EER {3}', epoch, epochs, loss.toFixed(3), share(valEer));
}
