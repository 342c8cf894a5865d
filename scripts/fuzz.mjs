// npm run fuzz: builds, then feeds damaged input to every reader (scripts/fuzz/fuzz.ts).
import { spawnSync } from 'node:child_process';
import { prepare, root } from './prepare.mjs';

prepare({ tools: true });
const result = spawnSync(process.execPath, ['dist/tools/fuzz.js', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
