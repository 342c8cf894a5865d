// Scans a generated tree of short clips, is killed at a random point, goes on, and counts what came out.
//   node scripts/bench/scan.mjs --files 1000 --seconds 1 [--keep FOLDER] [--model FILE] [--short]
// --short leaves out the scans that only compare: the whole one that keeps nothing, with where its time goes, and the last one.
// Needs dist/ (npm run build). Peak memory is read from /proc, so on Linux only.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pcmWav } from '../pcmWav.mjs';
import { profileScan, stageLines } from './stages.mjs';

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '1' },
    keep: { type: 'string' },
    model: { type: 'string' },
    short: { type: 'boolean', default: false },
    /** Seconds after which it is killed; default: at random. */
    kill: { type: 'string' },
    dist: {
      type: 'string',
      default: join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'dist'),
    },
  },
});
const files = Number(values.files);
const seconds = Number(values.seconds);
const cli = join(values.dist, 'cli.js');
const FILES_PER_FOLDER = 500;

const model = values.model === undefined ? [] : ['--model', values.model];
const folder = values.keep ?? (await mkdtemp(join(tmpdir(), 'deepfake-bench-')));
const tree = join(folder, `clips-${files}-${seconds}s`);
const store = join(folder, 'store.mdb');
const report = join(folder, 'results.jsonl');
try {
  if (!existsSync(tree)) await generate();
  await rm(store, { force: true });
  console.log(
    `${files} clips of ${seconds} s, 16 kHz mono WAV; ${availableParallelism()} cores, Node ${process.version}`,
  );

  let expected = (files / 100) * 1000;
  if (!values.short) {
    const whole = await scan('whole scan, nothing kept', ['--no-store']);
    await check('whole scan');
    expected = whole.seconds * 1000;
    for (const line of stageLines(profileScan(tree, values.dist))) console.log(`  ${line}`);
  }
  const killAfter =
    values.kill === undefined
      ? Math.round(expected * (0.2 + 0.006 * randomInt(100)))
      : 1000 * Number(values.kill);
  await scan(`killed with SIGKILL after ${(killAfter / 1000).toFixed(1)} s`, ['--store', store], killAfter);
  const resumed = await scan('resumed', ['--store', store]);
  await check('resumed scan');
  console.log(`  ${resumed.known} results survived the kill, ${files - resumed.known} were left to do`);
  if (!values.short) {
    await scan('again, nothing changed', ['--store', store]);
    await check('last scan');
  }
} finally {
  if (values.keep === undefined) await rm(folder, { recursive: true, force: true });
}

/** Noise with a different beginning in every file: content that no store takes for something known. */
async function generate() {
  const samples = Math.round(16000 * seconds);
  const data = Buffer.alloc(2 * samples);
  let state = 1;
  for (let i = 0; i < samples; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data.writeInt16LE(Math.round(8000 * Math.sin(i / 20) + (state / 2 ** 32 - 0.5) * 8000), 2 * i);
  }
  for (let i = 0; i < files; i++) {
    const below = join(tree, `folder-${Math.floor(i / FILES_PER_FOLDER)}`);
    if (i % FILES_PER_FOLDER === 0) await mkdir(below, { recursive: true });
    data.writeUInt32LE(i, 0);
    await writeFile(join(below, `clip-${i}.wav`), pcmWav(data, 16000));
  }
}

/** Runs the command line; tells files per second and peak memory. */
function scan(title, options, killAfter) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(
      process.execPath,
      [cli, 'scan', tree, '--format', 'none', '--output', report, ...model, ...options],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const peak = { VmHWM: 0, RssAnon: 0, RssFile: 0 };
    const watch = setInterval(() => {
      for (const [name, mebibytes] of memory(child.pid)) peak[name] = Math.max(peak[name], mebibytes);
    }, 100);
    const kill = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter);
    let messages = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      messages += text;
    });
    child.on('close', (code, signal) => {
      clearInterval(watch);
      clearTimeout(kill);
      const elapsed = (performance.now() - started) / 1000;
      if (signal === 'SIGKILL') {
        console.log(`${title}`);
        resolve({ seconds: elapsed, known: 0 });
        return;
      }
      if (code !== 0) {
        reject(new Error(`scan ended with code ${code}: ${messages}`));
        return;
      }
      const known = Number(/(\d+) of them known/.exec(messages)?.[1] ?? 0);
      const rate = (files / elapsed).toFixed(0);
      console.log(
        `${title}: ${elapsed.toFixed(1)} s, ${rate} files/s, peak memory ${peak.VmHWM} MiB (its own ${peak.RssAnon}, mapped files ${peak.RssFile})`,
      );
      resolve({ seconds: elapsed, known });
    });
  });
}

/** Mebibytes by Linux's name: peak of all (`VmHWM`), of its own (`RssAnon`) and of mapped files (`RssFile`) now; none without /proc. */
function memory(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const entries = status.matchAll(/^(VmHWM|RssAnon|RssFile):\s+(\d+)/gm);
    return Array.from(entries, ([, name, kibibytes]) => [name, Math.round(Number(kibibytes) / 1024)]);
  } catch {
    return [];
  }
}

/** Every clip once, each with a verdict. */
async function check(title) {
  const seen = new Set();
  let rows = 0;
  for await (const line of createInterface({ input: createReadStream(report) })) {
    const row = JSON.parse(line);
    if (row.error !== undefined) throw new Error(`${row.file}: ${row.error.message}`);
    seen.add(row.file);
    rows++;
  }
  if (rows !== files || seen.size !== files) {
    throw new Error(`${title}: ${rows} rows for ${seen.size} different files instead of ${files}`);
  }
}
