// npm test: installs, builds, runs every test that this machine allows and ends with one line that counts them.
//   npm test                      everything
//   npm test -- audio features    only these folders of test/
//   npm test -- --unit            what a change can be tried with in under a minute
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { prepare, root } from '../scripts/prepare.mjs';

prepare({ tests: true });
const { globSync } = await import('tinyglobby');

/** Folders whose tests run in the test's own process, and the files in them that start many others or train for seconds. */
const UNIT = {
  folders: [
    ...['audio', 'dataset', 'evaluation', 'extension', 'features', 'inference', 'media', 'model', 'shared'],
    ...['training'],
  ],
  without: [
    ...['audio/hostile', 'audio/variants', 'dataset/kaggle', 'evaluation/gates', 'model/engines'],
    ...['training/featureCache', 'training/trainer'],
  ],
};

const unit = process.argv.includes('--unit');
const folders = unit ? UNIT.folders : process.argv.slice(2);
const pattern = folders.length > 0 ? folders.map((folder) => `${folder}/**/*.test.ts`) : ['**/*.test.ts'];
const ignore = unit ? UNIT.without.map((file) => `${file}.test.ts`) : [];
const files = globSync(pattern, { cwd: join(root, 'test'), ignore })
  .sort()
  .map((source) => join(root, 'dist', 'test', source.replace(/\.ts$/, '.js')));
if (files.length === 0) {
  console.error(`error: there are no tests in test/${folders.join(', test/')}.`);
  process.exit(1);
}
// A real VS Code wants the machine for itself.
const inVSCode = (file) => file.includes(join('dist', 'test', 'e2e'));

const counts = { passed: 0, failed: 0, skipped: 0 };
const skips = new Map();
await runAll(
  files.filter((file) => !inVSCode(file)),
  true,
);
await runAll(files.filter(inVSCode), false);

if (skips.size > 0) {
  console.log('\nSkipped:');
  for (const [reason, names] of skips)
    console.log(`  ${names.length} × ${reason} (${names[0]}${names.length > 1 ? ', …' : ''})`);
}
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed > 0 ? 1 : 0);

async function runAll(testFiles, concurrency) {
  if (testFiles.length === 0) return;
  const stream = run({ files: testFiles, concurrency });
  stream.on('test:pass', (test) => {
    if (test.details.type === 'suite') return;
    if (test.skip === undefined && test.todo === undefined) counts.passed++;
    else note(test);
  });
  stream.on('test:fail', (test) => {
    if (test.details.type !== 'suite') counts.failed++;
  });
  const report = stream.compose(spec);
  report.pipe(process.stdout, { end: false });
  await new Promise((resolve) => report.on('end', resolve));
}

function note(test) {
  counts.skipped++;
  const reason = typeof test.skip === 'string' ? test.skip : 'no reason given';
  skips.set(reason, [...(skips.get(reason) ?? []), test.name]);
}
