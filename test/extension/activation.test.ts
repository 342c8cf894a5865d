import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { isBuiltin } from 'node:module';
import { test } from 'node:test';
import { distFile } from '../../daemon/paths.ts';

/** Loads the extension where every property of 'vscode' is something that can be called, extended and looked into. */
const LOAD = `
  const Module = require('node:module');
  const anything = () => new Proxy(function () {}, {
    get: (target, key) => (key === 'prototype' ? target.prototype : typeof key === 'symbol' ? undefined : anything()),
  });
  const vscode = Object.create(anything());
  const load = Module._load;
  const loaded = [];
  Module._load = function (request, ...rest) {
    if (request === 'vscode') return vscode;
    loaded.push(request);
    return load.call(this, request, ...rest);
  };
  const before = process.cpuUsage();
  require(process.argv[1]);
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ loaded: loaded.slice(1), milliseconds: (user + system) / 1000 }));
`;

test('loading the extension loads nothing else: no native code, no protocol, no daemon', (t) => {
  const output = execFileSync(process.execPath, ['-e', LOAD, distFile('extension.cjs')]).toString();
  const { loaded, milliseconds }: { loaded: string[]; milliseconds: number } = JSON.parse(output);
  t.diagnostic(`${milliseconds.toFixed(1)} ms of processor time`);
  assert.deepEqual(
    loaded.filter((name) => !isBuiltin(name)),
    [],
  );
  assert.ok(
    !loaded.some((name) => /^(node:)?(child_process|net|worker_threads)$/.test(name)),
    loaded.join(' '),
  );
});
