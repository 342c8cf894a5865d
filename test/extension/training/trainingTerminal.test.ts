import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bold, green } from '../../../extension/training/liveTerminal.ts';
import { type Train, TrainingRun } from '../../../extension/training/trainingRun.ts';
import { TrainingTerminal } from '../../../extension/training/trainingTerminal.ts';
import type { TrainingEvent, TrainResult } from '../../../shared/protocol.ts';
import { injected } from '../injectedVsCode.ts';
import { dataset, epochReport, request, result, step } from '../trainingEvents.ts';

/** A terminal whose training answers when the test says so. */
function openTerminal() {
  let send: (event: TrainingEvent) => void = () => {};
  let finish: (result: TrainResult) => void = () => {};
  let fail: (error: Error) => void = () => {};
  let run: TrainingRun | undefined;
  const train: Train = (_, onEvent, token) => {
    send = onEvent;
    return new Promise((resolve, reject) => {
      finish = resolve;
      fail = reject;
      token.onCancellationRequested(() => resolve({ ...result, cancelled: true, epochsRun: 7 }));
    });
  };
  const terminal = new TrainingTerminal(injected, () => {
    run = new TrainingRun(injected, request, train);
    return run;
  });
  let text = '';
  terminal.onDidWrite((written) => {
    text += written;
  });
  const exitCode = new Promise<number>((resolve) => terminal.onDidClose(resolve));
  terminal.open(undefined);
  return {
    terminal,
    run: run as unknown as TrainingRun,
    send: (event: TrainingEvent) => send(event),
    finish: (value: TrainResult) => finish(value),
    fail: (error: Error) => fail(error),
    exitCode,
    text: () => text,
    /** What is on the screen in the end, without colours. */
    screen: () => onScreen(text),
  };
}

/** The lines that remain when every line that is rewritten has been. */
function onScreen(text: string): string[] {
  return text.split('\r\n').map((line) =>
    line
      .slice(line.lastIndexOf('\u001b[2K') + 1)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
      .replaceAll(/\u001b?\[\??\d+[a-zA-Z]/g, ''),
  );
}

test('a finished run leaves its data, its epochs and its outcome on the screen', async () => {
  const { send, finish, exitCode, screen, text } = openTerminal();
  send(dataset);
  send(step);
  assert.match(screen().at(-1) ?? '', /Epoch 1 of 10 · step 1 of 20/);
  send({ type: 'epoch', report: epochReport });
  send({ type: 'epoch', report: { ...epochReport, epoch: 2, valEer: 0.25 } });
  send(dataset);
  send({ type: 'resuming', epoch: 3, epochs: 10, warnings: ['It has fewer threads now.'] });
  send({ type: 'epoch', report: { ...epochReport, epoch: 3, valEer: 0.3 } });
  finish(result);
  assert.equal(await exitCode, 0);
  assert.deepEqual(screen().slice(3), [
    '10 genuine and 10 deepfake clips: 16 to train on, 4 to validate',
    `Engine: ${dataset.engine.name} on ${dataset.engine.device}`,
    'One clip is odd.',
    '',
    '     Epoch      Loss    Accuracy       EER      F1',
    '      1/10    0.7500      50.0 %    50.0 %   0.400',
    '      2/10    0.7500      50.0 %    25.0 %   0.400  lowest EER so far',
    'Going on in epoch 3 of 10',
    'It has fewer threads now.',
    '      3/10    0.7500      50.0 %    30.0 %   0.400',
    '',
    'Training finished',
    'Epoch 7 of 10 was kept: validation EER 12.5 %, accuracy 87.5 %.',
    `Model: ${result.checkpoint}`,
    `Report: ${result.reportFile}`,
    '',
  ]);
  assert.ok(text().includes(green(bold('Training finished'))));
});

for (const [name, act] of [
  ['closing the terminal', (terminal: TrainingTerminal) => terminal.close()],
  ['Ctrl+C', (terminal: TrainingTerminal) => terminal.handleInput('\u0003')],
] as const) {
  test(`${name} stops the run, which keeps its best epoch`, async () => {
    const { terminal, run, exitCode, screen } = openTerminal();
    act(terminal);
    assert.equal(run.view.phase, 'stopping');
    const outcome = await run.ended;
    assert.ok(outcome.kind === 'stopped' && outcome.model?.bestEpoch === 7);
    assert.equal(await exitCode, 130);
    assert.ok(screen().includes('Training stopped'));
  });
}

test('the live line never wraps', () => {
  const { terminal, send, screen } = openTerminal();
  terminal.setDimensions({ columns: 41, rows: 10 });
  send({ ...step, step: 10 });
  const line = screen().at(-1) ?? '';
  assert.equal(line.length, 40);
  assert.match(line, /^━{10}─{10} Epoch 1 of 10 · st…$/);
});

test('other keys do nothing', () => {
  const { terminal, run } = openTerminal();
  terminal.handleInput('q');
  assert.equal(run.view.phase, 'starting');
});

test('a failed run says why and ends with an error', async () => {
  const { fail, exitCode, screen } = openTerminal();
  fail(new Error('The data set folder /work/voices does not exist.'));
  assert.equal(await exitCode, 1);
  assert.ok(screen().includes('The data set folder /work/voices does not exist.'));
});

test('a run that cannot start is an error too', async () => {
  const terminal = new TrainingTerminal(injected, () => {
    throw new Error('A model is being trained there already.');
  });
  let text = '';
  terminal.onDidWrite((written) => {
    text += written;
  });
  const exitCode = new Promise<number>((resolve) => terminal.onDidClose(resolve));
  terminal.open(undefined);
  assert.equal(await exitCode, 1);
  assert.match(text, /being trained there already/);
});

test('control characters in names do not reach the terminal', async () => {
  const { send, text, finish, exitCode } = openTerminal();
  send({ ...dataset, warnings: ['odd \u001b]0;title\u0007 \u001b[2J name'] });
  finish(result);
  await exitCode;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  assert.doesNotMatch(text(), /\u001b\]|\u0007|\u001b\[2J/);
});
