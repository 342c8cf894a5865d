// npm run package – a .vsix for each platform and one for all others.
//   npm run package                                all of them, into out/
//   npm run package -- linux-x64 --out FOLDER      only these, elsewhere
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { install, root, run } from './prepare.mjs';

install();
const { globSync } = await import('tinyglobby');
const { TARGETS, UNIVERSAL } = await import('./package/nativeFiles.mjs');
const { loadTool } = await import('./package/tools.mjs');
const { stage } = await import('./package/stage.mjs');
const { Unavailable, UNAVAILABLE_EXIT_CODE } = await import('./package/unavailable.mjs');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string', default: join(root, 'out') } },
});
const unknown = positionals.find((target) => !TARGETS.includes(target));
if (unknown !== undefined) {
  console.error(`error: there is no target "${unknown}"; choose among ${TARGETS.join(', ')}.`);
  process.exit(1);
}
const targets = positionals.length > 0 ? positionals : TARGETS;
const out = resolve(values.out);
/** Where the megabytes of a package are. */
const CONTENTS = {
  'ONNX Runtime': (path) => path.startsWith('dist/bin/'),
  'its WebAssembly': (path) => path.startsWith('dist/onnxruntime-web/'),
  LMDB: (path) => path.startsWith('dist/prebuilds/'),
  'other code': (path) => /^dist\/(?!bin|onnxruntime-web|prebuilds)/.test(path),
  'media, models, texts': (path) => !path.startsWith('dist/'),
};
const work = join(root, '.cache', 'package', String(process.pid));

try {
  mkdirSync(out, { recursive: true });
  const { createVSIX } = await loadTool('@vscode/vsce');
  const bundle = join(work, 'bundle');
  run(process.execPath, ['esbuild.mjs', '--package', bundle]);
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const rows = [];
  for (const target of targets) {
    const folder = join(work, target);
    await stage(target, bundle, folder);
    const packagePath = join(out, `${name}-${version}-${target}.vsix`);
    await quietly(() =>
      createVSIX({
        cwd: folder,
        packagePath,
        target: target === UNIVERSAL ? undefined : target,
        dependencies: false,
        allowMissingRepository: true,
        rewriteRelativeLinks: false,
      }),
    );
    rows.push({ target, folder, packagePath });
  }
  printTable(rows);
} catch (error) {
  if (!(error instanceof Unavailable)) throw error;
  console.error(`error: ${error.message}.`);
  process.exitCode = UNAVAILABLE_EXIT_CODE;
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** vsce lists every file on standard output. */
async function quietly(action) {
  const { log } = console;
  console.log = () => {};
  try {
    await action();
  } finally {
    console.log = log;
  }
}

/** Sizes of the packages, and unpacked of what is in them. */
function printTable(rows) {
  const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
  const columns = ['package', 'MB', 'unpacked', ...Object.keys(CONTENTS)];
  const lines = rows.map(({ folder, packagePath }) => {
    const files = globSync('**', { cwd: folder }).map((path) => ({
      path,
      size: statSync(join(folder, path)).size,
    }));
    const total = (belongs) =>
      megabytes(files.filter(({ path }) => belongs(path)).reduce((sum, { size }) => sum + size, 0));
    const parts = Object.values(CONTENTS).map(total);
    return [basename(packagePath), megabytes(statSync(packagePath).size), total(() => true), ...parts];
  });
  for (const line of [columns, columns.map(() => '---'), ...lines]) console.log(`| ${line.join(' | ')} |`);
  console.log(`\nWritten to ${out}.`);
}
