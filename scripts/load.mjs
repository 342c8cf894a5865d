// npm run load: builds, then asks a daemon for thousands of verdicts at once (scripts/load/load.ts).
import { spawnSync } from 'node:child_process';
import { prepare, root } from './prepare.mjs';

prepare({ tools: true });
const result = spawnSync(process.execPath, ['dist/tools/load.js', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
