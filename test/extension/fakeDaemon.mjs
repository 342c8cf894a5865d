// Speaks the daemon's protocol without detecting anything, and fails on command: the file `behaviour` beside it holds
// a line for each process to come, the last of which stays.
//   well          answers
//   crash-start   ends before the handshake
//   crash-once    ends during a request for a verdict
//   slow          answers when the request is cancelled
//   no-model      has no model
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createConnection, LSPErrorCodes, ProposedFeatures, ResponseError } from 'vscode-languageserver/node';

const behaviourFile = join(dirname(fileURLToPath(import.meta.url)), 'behaviour');
const [behaviour, ...next] = readFileSync(behaviourFile, 'utf8').trim().split('\n');
if (next.length > 0) writeFileSync(behaviourFile, next.join('\n'));
if (behaviour === 'crash-start') {
  console.error('This daemon was told to crash.');
  process.exit(3);
}

const model = { name: 'fake', checkpoint: '/nowhere/fake.safetensors', sha256: '0'.repeat(64) };
const noModel = new ResponseError(-33040, 'There is no checkpoint to read at /nowhere/fake.safetensors.', {
  code: -33040,
});
const audio = {
  container: 'wav',
  codec: 'pcm_s16',
  sampleRate: 16000,
  channels: 1,
  duration: 1,
  bytes: 32044,
  decoder: 'none',
  warnings: [],
};

const connection = createConnection(ProposedFeatures.all);
connection.onInitialize(() => ({ capabilities: {} }));
connection.onRequest('deepfake/model', () => (behaviour === 'no-model' ? noModel : model));
connection.onRequest('deepfake/classify', ({ files, workDoneToken }, token) =>
  answer(workDoneToken, token, () => ({ results: files.map((file) => ({ file, verdict: verdict(file) })) })),
);
connection.onRequest('deepfake/report', ({ file, workDoneToken }, token) =>
  answer(workDoneToken, token, () => verdict(file)),
);
connection.listen();

function answer(workDoneToken, token, result) {
  if (behaviour === 'no-model') return noModel;
  if (behaviour === 'crash-once') process.exit(3);
  if (behaviour === 'slow') {
    const progress = connection.window.attachWorkDoneProgress(workDoneToken);
    progress.begin('Detecting', 0, undefined, true);
    progress.report(40, '40 of 100');
    return new Promise((resolve) => {
      token.onCancellationRequested(() =>
        resolve(new ResponseError(LSPErrorCodes.RequestCancelled, 'Cancelled.')),
      );
    });
  }
  return result();
}

function verdict(file) {
  return {
    label: 'Deepfake',
    confidence: 0.875,
    deepfakeProbability: 0.875,
    threshold: 0.5,
    decision: 'Deepfake',
    reasons: [],
    file,
    windows: [{ start: 0, end: 1, deepfakeProbability: 0.875, logit: 1.9459 }],
    audio,
    model,
    engine: { name: 'onnxruntime', device: 'cpu' },
  };
}
