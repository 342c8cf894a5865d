import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, describe, it, test } from 'node:test';
import { initialState, referenceArchitecture } from '../../daemon/model/audioCnn.ts';
import { packageRoot } from '../../daemon/paths.ts';
import { seededRandom } from '../../daemon/random.ts';
import { TASK_TYPE } from '../../extension/contributions.ts';
import { TASK_OPTIONS } from '../../extension/training/deepfakeTask.ts';
import { CLASS_NAMES } from '../../shared/verdict.ts';
import { temporaryFolder, writeDataset } from '../helpers.ts';
import { torchFile, torchStateDict } from '../model/torchFile.ts';
import { fencedBlocks, pages, withoutFences } from './pages.ts';

/** Pages whose commands belong to other programs: the Python tools that made parts of the corpus. */
const OTHERS = /^(scripts\/synthesis|test\/fixtures|daemon\/audio)\//;

/** Commands that no test runs, and why. */
const NOT_RUN: [RegExp, string][] = [
  [
    /^(npm (start|test|run (check|build|docs|format))|node esbuild\.mjs --tests)$/,
    'builds, while other tests use what was built',
  ],
  [/^npm test -- /, 'the tests that it would run are running'],
  [/^npm run lab\b/, 'trains for hours, on a corpus that is not part of this project'],
  [/^npm run fuzz\b/, 'searches for minutes; test/fuzz/corpus.test.ts tries the first inputs of each reader'],
  [/^npm run load\b/, 'loads the machine for minutes; test/server/load.test.ts does it on a small scale'],
  [/^npm run bench\b/, 'measures for minutes; with --python it needs PyTorch'],
  [/^node scripts\/bench\//, 'measures on generated clips, for minutes'],
  [
    /^npm (ci|pack|run package|run test:electron)\b/,
    'fetches packages; test/package and test/notebooks do it where they can',
  ],
  [
    / --queue |^deepfake-audio worker$/,
    'needs Redis and a worker; test/scan/queue.test.ts starts both where it can',
  ],
  [/^npm run sbom\b/, 'asks npm about the installation; test/package/published.test.ts runs it'],
  [/^npm run pictures\b/, 'writes the pictures of docs/'],
  [/^npm run vscode$/, 'ends when a person ends it; test/e2e runs the same server'],
  [/^node scripts\/killResume\.mjs$/, 'trains for minutes; test/cli/resume.test.ts runs it with two kills'],
  [/^code /, "needs the desktop's VS Code"],
  [/^deepfake-audio serve$/, 'waits for a client; the client of docs/json-rpc.md, which is run, starts it'],
  [
    /--use-kagglehub/,
    'needs a token of Kaggle; test/dataset and test/notebooks run it against a server of their own',
  ],
];

/** Names of programs that look like commands. */
const NO_COMMANDS = ['code …', 'node dist/cli.js'];

/** The command lines of a page: in blocks of shell code, in indented blocks, and in the middle of sentences. */
function commandsOf(page: string): string[] {
  const blocks = fencedBlocks(page, ['sh', 'bash']).join('\n').split('\n');
  const rest = withoutFences(page);
  const indented = [...rest.matchAll(/^ {4}(\S.*)$/gm)].map(([, line]) => line);
  const spans = [...rest.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code);
  return [...blocks, ...indented, ...spans]
    .map((line) => line.replace(/\s+#.*$|\s{4,}.*$/, '').trim())
    .filter((line) => /^(node|npm|npx|deepfake-audio|code) \S/.test(line) && !NO_COMMANDS.includes(line));
}

/** A line of shell as words. */
const words = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);

const commands = new Map<string, string[]>();
for (const { path, text: page } of pages) {
  if (OTHERS.test(path)) continue;
  for (const command of commandsOf(page)) commands.set(command, [...(commands.get(command) ?? []), path]);
}

const folder = temporaryFolder();
const children = new Set<ReturnType<typeof spawn>>();
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** What the commands of the pages find where they are run: the build, the samples, a small data set, a checkpoint of PyTorch. */
async function prepare(): Promise<void> {
  for (const name of ['dist', 'media', 'scripts'])
    await symlink(join(packageRoot, name), join(folder, name), 'junction');
  await writeDataset(join(folder, 'FOLDER'), 6);
  const state = Object.fromEntries(initialState(referenceArchitecture, seededRandom(1)));
  const { root, storages } = torchStateDict(state);
  await writeFile(join(folder, 'deepfake_cnn.pth'), torchFile(root, storages));
  await writeFile(
    join(folder, 'model_config.json'),
    JSON.stringify({ audio: REFERENCE_AUDIO, class_names: CLASS_NAMES, threshold: 0.5 }),
  );
}

/** As the reference writes it. */
const REFERENCE_AUDIO = {
  sample_rate: 16_000,
  duration: 4,
  n_mels: 64,
  n_fft: 1024,
  hop_length: 256,
  fmin: 20,
  fmax: 7600,
};
const SAMPLE = join(packageRoot, 'media', 'samples', 'genuine-woman-english.flac');
const PROGRAMS: Record<string, string[]> = {
  'npm start --': ['scripts/start.mjs', '--built'],
  'deepfake-audio': ['dist/cli.js'],
  node: [],
};

/** The arguments of Node that do what a command line does. */
function nodeArguments(command: string): string[] {
  const [program, args] = Object.entries(PROGRAMS).find(([start]) => command.startsWith(`${start} `))!;
  const rest = words(command.slice(program.length)).flatMap((word) =>
    /^FILE…?$/.test(word) ? [SAMPLE] : [word],
  );
  return [...args, ...rest];
}

function start(args: string[]) {
  const cache = join(folder, 'cache');
  const child = spawn(process.execPath, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      // Nothing of the user's is read or written.
      ...{ HOME: folder, LOCALAPPDATA: cache, XDG_CACHE_HOME: cache, DATASET_ROOT: undefined },
      DEEPFAKE_AUDIO_FEATURE_CACHE: join(cache, 'features'),
      INIT_CWD: folder,
      // A test that is run is a program like any other here.
      NODE_TEST_CONTEXT: undefined,
      PATH: [folder, process.env.PATH].join(delimiter),
    },
  });
  children.add(child);
  child.once('close', () => children.delete(child));
  return child;
}

async function finish(child: ReturnType<typeof start>) {
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { stdout, stderr, code: code as number | null };
}

/** So many that the second is told long before the last has ended. */
const EPOCHS_TO_INTERRUPT = 40;

/** Kills a run in its third epoch, when the state after the first is on the disk, so that there is something to go on with. */
async function interruptTraining(args: string[]): Promise<void> {
  const child = start(args);
  child.stdout.setEncoding('utf8');
  let printed = '';
  for await (const chunk of child.stdout) {
    printed += chunk;
    if (printed.includes('Epoch 002')) break;
  }
  if (child.exitCode === null) {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  assert.match(printed, /Epoch 002/);
}

test('every command line of the pages is run by a test, or there is a reason why not', () => {
  const unknown = [...commands].filter(
    ([command]) =>
      !NOT_RUN.some(([pattern]) => pattern.test(command)) &&
      !Object.keys(PROGRAMS).some((program) => command.startsWith(`${program} `)),
  );
  assert.deepEqual(unknown, []);
  assert.ok(commands.has('node dist/cli.js scan FOLDER'));
});

describe('command lines of the pages', async () => {
  await prepare();
  const runnable = [...commands.keys()].filter(
    (command) => !NOT_RUN.some(([pattern]) => pattern.test(command)),
  );
  // A model must be trained before it is measured, a run interrupted before one goes on with it, and results be kept before some go.
  const order = ['--resume', ' train ', ''];
  const rank = (command: string) =>
    command.endsWith(' prune') ? order.length : order.findIndex((part) => command.includes(part));
  runnable.sort((a, b) => rank(a) - rank(b));
  for (const command of runnable) {
    it(`${command} (${commands.get(command)!.join(', ')})`, async () => {
      const args = nodeArguments(command);
      if (args.includes('--resume')) {
        args.push('--epochs', String(EPOCHS_TO_INTERRUPT));
        await interruptTraining(args.filter((word) => word !== '--resume'));
      } else if (args.includes('train') && !args.includes('[options]')) args.push('--epochs', '2');
      if (args.includes('[options]')) {
        // How a command is written, not one to type: it is the first line of the command's help.
        const { stdout } = await finish(start([...args.slice(0, 2), '--help']));
        assert.ok(stdout.startsWith(`Usage: ${command}`), stdout);
        return;
      }
      const { code, stdout, stderr } = await finish(start(args));
      // Tones and noise are no speech: what the model makes of them does not matter here.
      const codes = args.includes('--fail-on') ? [0, 2] : [0];
      assert.ok(codes.includes(code!), `exit code ${code}: ${stderr}`);
      assert.notEqual(stdout, '');
    });
  }
});

test('the client of docs/json-rpc.md gets an answer', async () => {
  const [client] = fencedBlocks(pages.find(({ path }) => path === 'docs/json-rpc.md')!.text, ['js']);
  await writeFile(join(folder, 'client.mjs'), client);
  const { code, stdout, stderr } = await finish(start(['client.mjs', SAMPLE]));
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /genuine-woman-english\.flac (Genuine|Deepfake|Inconclusive)\n$/);
});

test('tasks in the pages are of the type and have the options that the extension declares', () => {
  const tasks = pages
    .flatMap(({ text: page }) => fencedBlocks(page, ['json']))
    .join('')
    .trim()
    .split('\n');
  assert.ok(tasks.length >= 2);
  for (const line of tasks) {
    const { type, command, dataRoot, ...options } = JSON.parse(line);
    assert.equal(type, TASK_TYPE);
    assert.match(command, /^(train|evaluate)$/);
    assert.equal(typeof dataRoot, 'string');
    for (const name of Object.keys(options)) assert.ok(name in TASK_OPTIONS, name);
  }
});
