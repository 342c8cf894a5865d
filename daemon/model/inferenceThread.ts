import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../shared/errors.ts';
import type { InferenceEngine } from './engine.ts';
import { OnnxRuntimeEngine } from './onnxRuntimeEngine.ts';
import type { InferenceAnswer, InferenceQuestion, InferenceThreadData } from './threadedEngine.ts';

const port = parentPort;
if (port === null) throw new Error('This file runs as a worker thread.');
const say = (answer: InferenceAnswer) => port.postMessage(answer);

const { shape, state } = workerData as InferenceThreadData;
let inference: InferenceEngine | undefined;
try {
  inference = await new OnnxRuntimeEngine().createInference(shape, state);
  say('ready');
} catch (error) {
  say({ failure: messageOf(error) });
  port.close();
}

port.on('message', async (question: InferenceQuestion) => {
  if (question === 'end') {
    await inference?.dispose();
    port.close();
    return;
  }
  const { id, features, count } = question;
  try {
    const scores = await inference?.score(features, count);
    if (scores !== undefined) say({ id, scores });
  } catch (error) {
    say({ id, failure: messageOf(error) });
  }
});
