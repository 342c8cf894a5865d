// npm run lab: builds, then asks how well a recipe does on synthesis and speakers that it has not met (scripts/lab/lab.ts).
import { runTool } from './prepare.mjs';

runTool('lab', process.argv.slice(2));
