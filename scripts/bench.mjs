// npm run bench: builds, then measures (scripts/bench/bench.ts).
import { spawnSync } from 'node:child_process';
import { prepare, root } from './prepare.mjs';

prepare({ tools: true });
const result = spawnSync(process.execPath, ['dist/tools/bench.js', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
