import { parentPort, workerData } from 'node:worker_threads';
import { DeepfakeError, messageOf } from '../../shared/errors.ts';
import type { TrainingEvent } from '../../shared/protocol.ts';
import { runTraining } from './trainingJob.ts';
import type { TrainingEnd, TrainingSettings } from './trainingRun.ts';

const port = parentPort;
if (port === null) throw new Error('This file runs as a worker thread.');

const cancellation = new AbortController();
port.on('message', (message) => {
  if (message === 'cancel') cancellation.abort();
});
const send = (message: TrainingEvent | TrainingEnd) => port.postMessage(message);

/** Milliseconds between two counts of steps or clips: they come thousands of times, and only the latest matters. */
const COUNT_INTERVAL_MS = 100;
let countedAt = Number.NEGATIVE_INFINITY;
function report(event: TrainingEvent): void {
  if ('done' in event || event.type === 'step') {
    const isLast = event.type === 'step' ? event.step === event.steps : event.done === event.total;
    if (!isLast && performance.now() - countedAt < COUNT_INTERVAL_MS) return;
    countedAt = performance.now();
  }
  send(event);
}

try {
  const result = await runTraining(workerData as TrainingSettings, report, cancellation.signal);
  send({ type: 'done', result });
} catch (error) {
  const expected = error instanceof DeepfakeError ? { code: error.code, file: error.file } : {};
  send({ type: 'failed', message: messageOf(error), ...expected });
}
port.close();
