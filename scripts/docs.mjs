// npm run docs: writes docs/cli.md and docs/json-rpc.md from the code's own definitions (scripts/docs/).
import { runTool } from './prepare.mjs';

runTool('docs');
