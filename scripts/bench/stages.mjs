// Where a scan's time goes: a CPU profile of every thread, by stage.
//   node scripts/bench/stages.mjs FOLDER
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Stage of a function by the file that it is from; the first that fits. A function of none of them counts to its caller. */
const STAGES = [
  ['waiting', /^\(idle\)$/],
  ['memory (garbage collector)', /^\(garbage collector\)$/],
  ['reading', /daemon\/audio\/audioFile\.ts|daemon\/features\/contentHash\.ts/],
  ['decoding', /daemon\/audio\/|node_modules\/(@audio|@wasm-audio-decoders|mpg123-decoder|wav-decoder)/],
  ['features', /daemon\/features\/(?!analysisPool|analysisWorker)|pffft|fft\.js/],
  ['inference', /daemon\/model\/|onnxruntime/],
  ['handing over', /workerpool|analysisWorker|analysisPool|p-limit|batchedInference/],
  ['scan', /daemon\/(scan|cli|inference|detector)/],
];
const stageOf = (text) => STAGES.find(([, pattern]) => pattern.test(text))?.[0];

/**
 * Scans a folder and tells what the threads did: seconds by kind of thread and stage, and how many threads there were. `dist` is
 * the build, with its source maps.
 */
export function profileScan(folder, dist = join(root, 'dist')) {
  const profiles = mkdtempSync(join(tmpdir(), 'deepfake-profile-'));
  try {
    const flags = ['--cpu-prof', '--cpu-prof-interval', '1000', '--cpu-prof-dir', profiles];
    const command = [join(dist, 'cli.js'), 'scan', folder, '--no-store', '--format', 'none'];
    const { status, stderr } = spawnSync(process.execPath, [...flags, ...command], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    const kinds = {};
    for (const name of readdirSync(profiles)) {
      const profile = JSON.parse(readFileSync(join(profiles, name), 'utf8'));
      const { kind, seconds } = timesOf(profile);
      kinds[kind] ??= { threads: 0, seconds: {} };
      kinds[kind].threads++;
      for (const [stage, time] of Object.entries(seconds))
        kinds[kind].seconds[stage] = (kinds[kind].seconds[stage] ?? 0) + time;
    }
    return kinds;
  } finally {
    rmSync(profiles, { recursive: true, force: true });
  }
}

/** What `profileScan` gives, as lines: shares of each kind of thread's time. */
export function stageLines(kinds) {
  return Object.entries(kinds).map(([kind, { threads, seconds }]) => {
    const total = Object.values(seconds).reduce((sum, time) => sum + time, 0);
    const shares = Object.entries(seconds)
      .sort(([, a], [, b]) => b - a)
      .map(([stage, time]) => `${stage} ${((100 * time) / total).toFixed(1)} %`);
    return `${kind}${threads > 1 ? ` (${threads})` : ''}: ${shares.join(', ')}`;
  });
}

/** Seconds by stage in one thread, from its first work to its last. */
function timesOf({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const stages = new Map();
  const find = (id) => {
    if (id === undefined) return 'other';
    if (!stages.has(id)) {
      const { functionName, url, lineNumber, columnNumber } = byId.get(id).callFrame;
      const place = url === '' ? functionName : sourceOf(url, lineNumber, columnNumber);
      stages.set(id, stageOf(place) ?? find(parents.get(id)));
    }
    return stages.get(id);
  };
  const all = samples.map((id, i) => ({ stage: find(id), time: timeDeltas[i] / 1e6 }));
  const urls = nodes.map(({ callFrame }) => callFrame.url).join('\n');
  const kind = urls.includes('/analysisWorker.js')
    ? 'analysis threads'
    : urls.includes('/inferenceThread.js')
      ? 'inference thread'
      : 'main thread';
  // Starting up and the end are the same however many files there are.
  const working = (stage) =>
    (kind === 'analysis threads' ? 'features' : kind === 'main thread' ? 'scan' : 'inference') === stage;
  const first = all.findIndex(({ stage }) => working(stage));
  const last = all.findLastIndex(({ stage }) => working(stage));
  const seconds = {};
  for (const { stage, time } of all.slice(first, last + 1)) seconds[stage] = (seconds[stage] ?? 0) + time;
  return { kind, seconds };
}

const maps = new Map();
/** The source file that a place in a bundle is from. */
function sourceOf(url, line, column) {
  if (!url.startsWith('file:')) return url;
  if (!maps.has(url)) {
    const file = `${fileURLToPath(url)}.map`;
    maps.set(url, existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : undefined);
  }
  const source = maps.get(url)?.findEntry(line, column).originalSource;
  // A package's own map knows nothing of the package's name.
  return url.includes('node_modules') ? url : (source ?? url);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2];
  if (folder === undefined) {
    console.error('error: name a folder of sound files.');
    process.exit(1);
  }
  for (const line of stageLines(profileScan(folder))) console.log(line);
}
