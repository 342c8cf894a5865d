// npm run bench: builds, then measures (scripts/bench/bench.ts). npm run bench -- engines: the engines and devices instead.
import { spawnSync } from 'node:child_process';
import { prepare, root } from './prepare.mjs';

prepare({ tools: true });
const given = process.argv.slice(2);
const [tool, options] = given[0] === 'engines' ? ['engines', given.slice(1)] : ['bench', given];
const result = spawnSync(process.execPath, [`dist/tools/${tool}.js`, ...options], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
