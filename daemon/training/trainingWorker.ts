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

try {
  const result = await runTraining(workerData as TrainingSettings, send, cancellation.signal);
  send({ type: 'done', result });
} catch (error) {
  const expected = error instanceof DeepfakeError ? { code: error.code, file: error.file } : {};
  send({ type: 'failed', message: messageOf(error), ...expected });
}
port.close();
