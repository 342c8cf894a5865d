// npm run bench: builds, then measures (scripts/bench/bench.ts). npm run bench -- engines: the engines and devices instead.
import { runTool } from './prepare.mjs';

const given = process.argv.slice(2);
if (given[0] === 'engines') runTool('engines', given.slice(1));
else runTool('bench', given);
