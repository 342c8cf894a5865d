import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DaemonLostError } from '../../../extension/client/daemonErrors.ts';
import { keepTraining, type TrainingRequest } from '../../../extension/training/trainingRun.ts';
import { ErrorCode } from '../../../shared/errors.ts';
import type { TrainingEvent, TrainResult } from '../../../shared/protocol.ts';
import { injected } from '../injectedVsCode.ts';
import { epochReport, request, result } from '../trainingEvents.ts';

const lost = new DaemonLostError('The detector stopped unexpectedly.');
const nothingToResume = Object.assign(new Error('There is no unfinished run.'), {
  code: ErrorCode.InvalidArguments,
});
const epoch: TrainingEvent = { type: 'epoch', report: epochReport };

/** Trains with a daemon that does as listed, and tells what it was asked for. */
async function train(answers: (TrainResult | Error | TrainingEvent)[], given: Partial<TrainingRequest> = {}) {
  const asked: string[] = [];
  const outcome = keepTraining(
    { ...request, ...given },
    () => {},
    new injected.CancellationTokenSource().token,
    async ({ resume, fresh }, onEvent) => {
      asked.push(resume ? 'resume' : fresh ? 'fresh' : 'begin');
      for (;;) {
        const answer = answers.shift();
        if (answer === undefined) throw new Error('asked too often');
        if (answer instanceof Error) throw answer;
        if ('checkpoint' in answer) return answer;
        onEvent(answer);
      }
    },
  );
  return { asked, outcome: await outcome.catch((error: Error) => error.message) };
}

test('a run whose daemon dies goes on where it was', async () => {
  assert.deepEqual(await train([epoch, lost, result]), { asked: ['begin', 'resume'], outcome: result });
});

test('a run whose daemon is restarted goes on where it was', async () => {
  const stopped = { ...result, cancelled: true };
  assert.deepEqual(await train([stopped, result]), { asked: ['begin', 'resume'], outcome: result });
});

test('a run that had left nothing to go on with begins anew, as it was asked to', async () => {
  const { asked, outcome } = await train([lost, nothingToResume, result], { fresh: true });
  assert.deepEqual([asked, outcome], [['fresh', 'resume', 'fresh'], result]);
});

test('a task that may go on begins where there is nothing to go on with', async () => {
  const { asked, outcome } = await train([nothingToResume, result], { resume: true });
  assert.deepEqual([asked, outcome], [['resume', 'begin'], result]);
});

test('a daemon that dies again and again without an epoch is given up', async () => {
  const { asked, outcome } = await train([lost, lost, lost, lost]);
  assert.deepEqual([asked.length, outcome], [4, lost.message]);
});

test('one that gets further each time is not', async () => {
  const answers = Array.from({ length: 6 }, () => [epoch, lost]).flat();
  assert.equal((await train([...answers, result])).outcome, result);
});

test('what is wrong with the request is said at once', async () => {
  const refused = Object.assign(new Error('No data.'), { code: ErrorCode.DatasetNotFound });
  assert.deepEqual(await train([refused]), { asked: ['begin'], outcome: 'No data.' });
});
