// Files per second of `deepfake-audio scan`, and the ratio to a Python loop with librosa and torch in the same run.
//   node scripts/bench/throughput.mjs [--wav 300] [--mp3 60] [--rounds 3] [--python python3]
// Needs dist/ (npm run build) and ffmpeg with libmp3lame; without a Python that has librosa and torch only our side is
// measured. Rounds alternate, and medians count, because machines are shared.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({
  options: {
    wav: { type: 'string', default: '300' },
    mp3: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '3' },
    python: { type: 'string', default: 'python3' },
    dist: { type: 'string', default: join(dirname(dirname(here)), 'dist') },
  },
});
const CLOCK_TICKS_PER_SECOND = 100;
const cores = availableParallelism();

const folder = await mkdtemp(join(tmpdir(), 'deepfake-bench-'));
try {
  console.log(`${cores} cores, Node ${process.version}`);
  const kinds = [
    {
      title: '4-s 16-kHz WAV',
      extension: 'wav',
      count: Number(values.wav),
      seconds: 4,
      options: ['-ar', '16000'],
    },
    {
      title: '30-s 44.1-kHz MP3',
      extension: 'mp3',
      count: Number(values.mp3),
      seconds: 30,
      options: ['-ar', '44100', '-b:a', '128k'],
    },
  ];
  for (const kind of kinds) {
    const clips = join(folder, kind.extension);
    await generate(clips, kind);
    await compare(clips, kind);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Coloured noise that swells and fades like speech, different in every file. */
async function generate(clips, { extension, count, seconds, options }) {
  await mkdir(clips, { recursive: true });
  for (let i = 0; i < count; i++) {
    const source = `anoisesrc=color=pink:seed=${i + 1}:duration=${seconds}:sample_rate=44100,tremolo=f=3:d=0.8`;
    const target = join(clips, `clip-${i}.${extension}`);
    const flags = ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', source, '-ac', '1', ...options, target];
    execFileSync('ffmpeg', flags, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
}

async function compare(clips, { title, count }) {
  const runs = { all: [], first: [], python: [] };
  for (let round = 0; round < Number(values.rounds); round++) {
    runs.all.push(await scan(clips));
    runs.first.push(await scan(clips, '--first-window'));
    const python = await reference(clips);
    if (python !== undefined) runs.python.push(python);
  }
  console.log(`\n${title}, ${count} files`);
  const say = (name, measured) => {
    const seconds = median(measured.map((run) => run.seconds));
    const cpu = median(measured.map((run) => run.cpu));
    const busy = median(measured.map((run) => run.cpu / run.seconds / cores));
    console.log(
      `  ${name.padEnd(34)} ${(count / seconds).toFixed(1).padStart(7)} files/s  ` +
        `${((1000 * cpu) / count).toFixed(1).padStart(7)} ms of core a file  cores ${(100 * busy).toFixed(0)} % busy`,
    );
    return { seconds, cpu };
  };
  const all = say('scan, whole files', runs.all);
  const first = say('scan --first-window', runs.first);
  if (runs.python.length === 0) {
    console.log('  no Python with librosa and torch here: no ratio');
    return;
  }
  const python = say('Python loop, first window', runs.python);
  const ratio = (ours) =>
    `${(python.seconds / ours.seconds).toFixed(1)} × by the clock, ${(python.cpu / ours.cpu).toFixed(1)} × by core time`;
  console.log(`  ratio, whole files against its first window: ${ratio(all)}`);
  console.log(`  ratio, first window against first window:    ${ratio(first)}`);
}

/** Start-up counts. */
async function scan(clips, ...options) {
  const started = performance.now();
  const arguments_ = [
    join(values.dist, 'cli.js'),
    'scan',
    clips,
    '--no-store',
    '--format',
    'none',
    ...options,
  ];
  const child = spawn(process.execPath, arguments_, { stdio: ['ignore', 'ignore', 'pipe'] });
  let cpu = 0;
  const watch = setInterval(() => {
    cpu = Math.max(cpu, cpuSeconds(child.pid));
  }, 20);
  const messages = await text(child.stderr);
  clearInterval(watch);
  if (!messages.includes(' 0 not read')) throw new Error(messages);
  return { seconds: (performance.now() - started) / 1000, cpu };
}

/** User and system time of a process, from /proc. */
function cpuSeconds(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

async function reference(clips) {
  const child = spawn(values.python, [join(here, 'reference_loop.py'), clips], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const failed = new Promise((resolve) => child.once('error', () => resolve('')));
  const output = await Promise.race([text(child.stdout), failed]);
  if (output === '') return undefined;
  const { seconds, cpu_seconds: cpu } = JSON.parse(output);
  return { seconds, cpu };
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
