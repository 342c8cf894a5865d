import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TrainingProgress } from '../../../extension/training/trainingProgress.ts';
import { fractionDone, outcomeText, statusText, timeLeft } from '../../../media/training/wording.ts';
import type { EpochReport } from '../../../shared/protocol.ts';
import { dataset, epochReport, request, step } from '../trainingEvents.ts';

test('a run tells what it does, from reading to the last step', () => {
  const progress = new TrainingProgress(request);
  const { view } = progress;
  assert.equal(view.name, 'voices');
  assert.equal(statusText(view), 'Starting…');
  progress.apply(dataset);
  assert.equal(statusText(view), 'Reading the clips…');
  progress.apply({ type: 'preparing', done: 5, total: 20 });
  assert.equal(statusText(view), 'Reading clip 5 of 20');
  assert.equal(fractionDone(view), 0.25);
  progress.apply(step);
  assert.equal(statusText(view), 'Epoch 1 of 10 · step 1 of 20');
  assert.equal(timeLeft(view), undefined);
  progress.apply({ ...step, epoch: 6, step: 11, examplesPerSecond: 15.9, secondsLeft: 4.5 });
  assert.equal(statusText(view), 'Epoch 6 of 10 · step 11 of 20 · 16 examples/s · 5 s left');
  progress.apply({ type: 'validating', epoch: 6, epochs: 10, done: 2, total: 4 });
  assert.equal(statusText(view), 'Epoch 6 of 10 · validating on clip 2 of 4');
  assert.equal(fractionDone(view), 0.55);
});

test('a run that goes on keeps the figures of the epochs before', () => {
  const progress = new TrainingProgress(request);
  for (const epoch of [1, 2, 3]) progress.apply({ type: 'epoch', report: { ...epochReport, epoch } });
  progress.apply({ type: 'resuming', epoch: 3, epochs: 10, warnings: [] });
  assert.deepEqual(
    progress.view.reports.map(({ epoch }) => epoch),
    [1, 2],
  );
  assert.equal(progress.view.resumedIn, 3);
});

test('a run that goes on after an interruption shows the figures from before; one that begins anew does not', () => {
  const earlier = [1, 2, 3].map((epoch) => ({ ...epochReport, epoch }));
  const resumed = new TrainingProgress(request, earlier);
  resumed.apply({ type: 'resuming', epoch: 3, epochs: 10, warnings: [] });
  assert.deepEqual(resumed.view.reports, earlier.slice(0, 2));
  const fresh = new TrainingProgress(request, earlier);
  fresh.apply(step);
  assert.deepEqual(fresh.view.reports, []);
});

test('an epoch that is reported again takes the place of its first report', () => {
  const progress = new TrainingProgress(request);
  const report = (epoch: number, loss: number): EpochReport => ({ ...epochReport, epoch, loss });
  for (const [epoch, loss] of [
    [1, 0.9],
    [2, 0.8],
    [2, 0.7],
  ]) {
    progress.apply({ type: 'epoch', report: report(epoch, loss) });
  }
  assert.deepEqual(
    progress.view.reports.map(({ epoch, loss }) => [epoch, loss]),
    [
      [1, 0.9],
      [2, 0.7],
    ],
  );
});

test('a run that is asked to stop says so until it has ended', () => {
  const progress = new TrainingProgress(request);
  progress.stop();
  progress.apply(step);
  assert.equal(statusText(progress.view), 'Stopping after this step…');
  progress.end({ kind: 'stopped' });
  assert.equal(progress.view.phase, 'ended');
  assert.equal(
    outcomeText({ kind: 'stopped' }),
    'No epoch had ended, so there is no model yet. The run can go on where it was.',
  );
});
