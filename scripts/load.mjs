// npm run load: builds, then asks a daemon for thousands of verdicts at once (scripts/load/load.ts).
import { runTool } from './prepare.mjs';

runTool('load', process.argv.slice(2));
