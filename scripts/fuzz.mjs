// npm run fuzz: builds, then feeds damaged input to every reader (scripts/fuzz/fuzz.ts).
import { runTool } from './prepare.mjs';

runTool('fuzz', process.argv.slice(2));
