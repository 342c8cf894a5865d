import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusLook } from '../../../extension/client/daemonState.ts';

const model = {
  name: 'AudioCNN',
  checkpoint: '/m/deepfake_cnn.safetensors',
  sha256: '0',
  engine: { name: 'onnxruntime', device: 'cpu' },
} as const;

test('a detector that does not run has no status item', () => {
  assert.equal(statusLook({ kind: 'stopped' }), undefined);
});

test('a ready detector names its model and engine', () => {
  const look = statusLook({ kind: 'ready', model });
  assert.match(look?.tooltip ?? '', /ready.*AudioCNN\n.*onnxruntime on cpu/);
});

test('a busy detector counts its requests', () => {
  assert.match(statusLook({ kind: 'busy', model, requests: 1 })?.tooltip ?? '', /one request/);
  assert.match(statusLook({ kind: 'busy', model, requests: 3 })?.tooltip ?? '', /3 requests/);
});

test('a failed detector warns with its reason', () => {
  const look = statusLook({ kind: 'error', message: 'It has no model.' });
  assert.equal(look?.warning, true);
  assert.match(look?.tooltip ?? '', /It has no model\./);
});
