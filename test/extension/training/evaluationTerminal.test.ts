import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Evaluate, EvaluationTerminal } from '../../../extension/training/evaluationTerminal.ts';
import type { EvaluateParams } from '../../../shared/protocol.ts';
import { injected } from '../injectedVsCode.ts';
import { result } from '../trainingEvents.ts';

const params: EvaluateParams = { dataRoot: '/work/voices', reportsDir: '/work/reports' };
const { metrics, metricsFile, confusionMatrixFile, reportFile } = result;
const evaluated = {
  metrics,
  metricsFile,
  confusionMatrixFile,
  reportFile,
  coverage: 0.5,
  decidedAccuracy: 0.75,
  warnings: ['One clip is odd.'],
};

function open(evaluate: Evaluate, paramsOf = () => params) {
  const terminal = new EvaluationTerminal(injected, paramsOf, evaluate);
  let text = '';
  terminal.onDidWrite((written) => {
    text += written;
  });
  const exitCode = new Promise<number>((resolve) => terminal.onDidClose(resolve));
  terminal.open(undefined);
  return { terminal, exitCode, text: () => text };
}

test('an evaluation ends with its figures and the place of its report', async () => {
  const { exitCode, text } = open(async (_, { onProgress }) => {
    onProgress(50, '2 of 4 clips');
    return evaluated;
  });
  assert.equal(await exitCode, 0);
  for (const expected of [
    '2 of 4 clips',
    'One clip is odd.',
    'EER 12.5 %, accuracy 87.5 %, F1 0.800',
    '50.0 % of the clips decided, 75.0 % of them rightly.',
    reportFile,
  ]) {
    assert.ok(text().includes(expected), expected);
  }
});

test('an evaluation that fails says why', async () => {
  const { exitCode, text } = open(async () => {
    throw new Error('There are no audio files in /work/voices.');
  });
  assert.equal(await exitCode, 1);
  assert.match(text(), /no audio files/);
});

test('so does a task that is not complete', async () => {
  const { exitCode, text } = open(
    async () => evaluated,
    () => {
      throw new Error('The task needs a "dataRoot".');
    },
  );
  assert.equal(await exitCode, 1);
  assert.match(text(), /needs a "dataRoot"/);
});

test('closing the terminal cancels the evaluation', async () => {
  const { terminal, exitCode, text } = open(
    (_, { token }) =>
      new Promise((_resolve, reject) =>
        token.onCancellationRequested(() => reject(new injected.CancellationError())),
      ),
  );
  terminal.close();
  assert.equal(await exitCode, 130);
  assert.match(text(), /cancelled; no report was written/);
});
