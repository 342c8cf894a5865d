import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DisposableStore } from '../../extension/disposables.ts';

test('what was added last is disposed of first, once', () => {
  const order: string[] = [];
  const store = new DisposableStore();
  for (const name of ['a', 'b']) store.add({ dispose: () => order.push(name) });
  store.dispose();
  store.dispose();
  assert.deepEqual(order, ['b', 'a']);
});

test('what is added too late is disposed of at once', () => {
  const store = new DisposableStore();
  store.dispose();
  let disposed = false;
  store.add({
    dispose: () => {
      disposed = true;
    },
  });
  assert.ok(disposed);
});
