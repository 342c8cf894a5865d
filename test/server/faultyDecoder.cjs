// Loaded into a daemon and its threads before anything else (--require): files of these names break the thread that opens them.
const { isMainThread } = require('node:worker_threads');
const { basename } = require('node:path');
const { syncBuiltinESMExports } = require('node:module');
const promises = require('node:fs/promises');

const { open } = promises;
const FAULTS = {
  'hangs.wav': () => {
    for (;;);
  },
  'fills-the-heap.wav': () => {
    const kept = [];
    for (;;) kept.push(new Array(4_000_000).fill(0));
  },
  'ends-the-thread.wav': () => process.exit(7),
  'throws.wav': () => {
    throw new TypeError("Cannot read properties of undefined (reading 'samples')");
  },
};
if (!isMainThread) {
  promises.open = (path, ...more) => {
    FAULTS[basename(String(path))]?.();
    return open(path, ...more);
  };
  syncBuiltinESMExports();
}
