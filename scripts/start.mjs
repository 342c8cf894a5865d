// npm start: classifies the sample clips, or the files given after `--`, and says how to go on in VS Code.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { extname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { prepare, root } from './prepare.mjs';

const SAMPLES = join('media', 'samples');
const AUDIO = new Set(['.wav', '.mp3', '.flac', '.ogg', '.m4a', '.aac']);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** For tests, which have built already. */
    built: { type: 'boolean', default: false },
  },
});
if (!values.built) prepare();

// npm runs scripts in the project's folder; the user's paths are relative to where the user stood.
const userFolder = process.env.INIT_CWD ?? process.cwd();
const given = positionals.map((file) => resolve(userFolder, file));
const samples = () =>
  readdirSync(join(root, SAMPLES))
    .filter((name) => AUDIO.has(extname(name)))
    .map((name) => join(root, SAMPLES, name));
const files = (given.length > 0 ? given : samples()).map((file) => {
  const short = relative(root, file);
  return short.startsWith('..') ? file : short;
});

const result = spawnSync(process.execPath, [join('dist', 'cli.js'), 'predict', '--table', '--', ...files], {
  cwd: root,
  stdio: 'inherit',
});
if (given.length === 0) {
  console.log(`
The names in ${SAMPLES} say what each clip really is. Your own files: npm start -- FILE…
In VS Code: npm run vscode, then right-click a clip and choose "Detect Deepfake".`);
}
process.exit(result.status ?? 1);
