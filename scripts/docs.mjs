// npm run docs: writes docs/cli.md and docs/json-rpc.md from the code's own definitions (scripts/docs/).

import { join } from 'node:path';
import { prepare, root, run } from './prepare.mjs';

prepare({ tools: true });
run(process.execPath, [join(root, 'dist', 'tools', 'docs.js')]);
