// Trains on generated clips in new processes, first without and then with kept features, and tells times and peak memory.
//   node scripts/bench/training.mjs [--clips 2000] [--seconds 4] [--recipe reference] [--epochs 2] [--keep FOLDER]
// 53,868 clips of 4 s need 7 GB for the clips and 3.5 GB for their features. --keep leaves the clips for the next call.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pcmWav } from '../pcmWav.mjs';
import { prepare, root } from '../prepare.mjs';

const { values } = parseArgs({
  options: {
    clips: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '4' },
    recipe: { type: 'string', default: 'reference' },
    epochs: { type: 'string', default: '2' },
    keep: { type: 'string' },
  },
});
const SAMPLE_RATE = 16_000;
/** Seconds of each class that clips are cut from, each at a place of its own. */
const SOURCE_SECONDS = 600;
const clips = Number(values.clips);
const seconds = Number(values.seconds);

prepare({ tools: true });
const folder = values.keep ?? (await mkdtemp(join(tmpdir(), 'deepfake-bench-')));
const data = join(folder, `clips-${clips}-${seconds}s`);
const cache = join(folder, 'features');
try {
  if (!existsSync(data)) await generate();
  await rm(cache, { recursive: true, force: true });
  console.log(
    `${clips} clips of ${seconds} s, 16 kHz mono WAV; ${cpus()[0].model}, ${availableParallelism()} threads, Node ${process.version}`,
  );
  for (const [title, epochs] of [
    ['first run', values.epochs],
    ['second run', '1'],
  ]) {
    console.log(`${title}:`);
    const args = [
      '--data-root',
      data,
      '--feature-cache',
      cache,
      '--recipe',
      values.recipe,
      '--epochs',
      epochs,
    ];
    const { status } = spawnSync(process.execPath, [join(root, 'dist/tools/training.js'), ...args], {
      stdio: 'inherit',
    });
    if (status !== 0) throw new Error(`the ${title} ended with code ${status}`);
  }
} finally {
  await rm(cache, { recursive: true, force: true });
  if (values.keep === undefined) await rm(folder, { recursive: true, force: true });
}

/** Genuine: noise; Deepfake: the same under a tone that glides. */
async function generate() {
  const temporary = `${data}.part`;
  await rm(temporary, { recursive: true, force: true });
  const noise = randomBytes(2 * SAMPLE_RATE * SOURCE_SECONDS);
  const samples = new Int16Array(noise.buffer, noise.byteOffset, noise.length / 2);
  const tone = Buffer.from(
    samples.map((value, n) => value / 8 + 6000 * Math.sin(n * (0.1 + n * 1e-8))).buffer,
  );
  const bytes = 2 * Math.round(SAMPLE_RATE * seconds);
  for (let i = 0; i < clips; i++) {
    const [label, source] = i % 2 ? ['deepfake', tone] : ['genuine', noise];
    const below = join(temporary, label, String(Math.floor(i / 1000)));
    if (i % 1000 < 2) await mkdir(below, { recursive: true });
    // Multiples of a prime: no two clips of a class begin at the same sample.
    const start = 2 * ((7919 * i) % (samples.length - bytes / 2));
    await writeFile(join(below, `clip-${i}.wav`), pcmWav(source.subarray(start, start + bytes), SAMPLE_RATE));
  }
  await rename(temporary, data);
}
