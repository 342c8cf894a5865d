// node scripts/killResume.mjs [--times 10] [--clips 24] [--epochs 12] [--recipe default] [--seed N]
// Trains once without a break on tones and noise that it makes itself. Then, so many times, kills a run at random moments, goes on
// with --resume until it ends, and compares: weights, configuration and metrics must be the same to the bit. Exit code 1 otherwise.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pcmWav } from './pcmWav.mjs';
import { prepare, root } from './prepare.mjs';

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '10' },
    clips: { type: 'string', default: '24' },
    epochs: { type: 'string', default: '12' },
    recipe: { type: 'string', default: 'default' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
    /** For tests, which have built already. */
    built: { type: 'boolean', default: false },
  },
});
/** Kills after which a run is left to end, once it has a state to go on from. */
const MAX_KILLS = 4;
const SAMPLE_RATE = 16_000;

if (!values.built) prepare();
const random = generator(Number(values.seed));
const folder = await mkdtemp(join(tmpdir(), 'kill-resume-'));
try {
  await writeClips();
  const started = performance.now();
  const unbroken = train('unbroken', false);
  if ((await unbroken.ended) !== 0) fail(`The unbroken run failed: ${unbroken.printed.join('')}`);
  const milliseconds = performance.now() - started;
  const expected = await results('unbroken');
  console.log(
    `Unbroken: ${(milliseconds / 1000).toFixed(1)} s, weights ${expected.weights.slice(0, 16)}; moments of seed ${values.seed}`,
  );
  let different = 0;
  for (let time = 1; time <= Number(values.times); time++) {
    const { kills, resumed } = await killAndResume(`run${time}`, milliseconds);
    const got = await results(`run${time}`);
    const wrong = Object.keys(expected).filter((name) => got[name] !== expected[name]);
    if (wrong.length > 0) different++;
    console.log(
      `${String(time).padStart(2)}: ${kills.join(', ')}; ${resumed}; weights ${got.weights.slice(0, 16)}: ` +
        `${wrong.length === 0 ? 'equal' : `DIFFERENT ${wrong.join(', ')}`}`,
    );
  }
  console.log(
    different === 0
      ? `All ${values.times} ended with equal weights, configuration and metrics.`
      : `${different} of ${values.times} ended differently.`,
  );
  if (different > 0) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Runs until the end with at least one kill from which it went on. */
async function killAndResume(name, milliseconds) {
  const kills = [];
  const wentOn = [];
  const state = join(folder, name, 'm', 'training_state.safetensors');
  for (;;) {
    const resume = existsSync(state);
    const run = train(name, resume);
    if (resume) wentOn.push(run);
    const isLast = resume && kills.length >= MAX_KILLS;
    const signal = process.platform !== 'win32' && random() < 0.3 ? 'SIGINT' : 'SIGKILL';
    // Later and later, so that a machine that has become slow gets to a state too.
    const after = Math.round(random() * milliseconds * (1 + kills.length / MAX_KILLS));
    let code = await (isLast ? run.ended : Promise.race([run.ended, delay(after, 'kill', { ref: false })]));
    if (code === 'kill') {
      run.child.kill(signal);
      await run.ended;
      kills.push(`${signal} after ${after} ms`);
      // Its last act before the end is to delete the state.
      if (!resume || existsSync(state)) continue;
      code = 0;
    }
    if (code === 0 && wentOn.length > 0) {
      const epochs = wentOn.flatMap(
        ({ printed }) => /Going on in epoch (\d+)/.exec(printed.join(''))?.[1] ?? [],
      );
      return { kills, resumed: `went on in epoch ${epochs.join(', ')}` };
    } else if (code === 0) {
      // It was too fast for any kill.
      kills.length = 0;
      await rm(join(folder, name), { recursive: true });
    } else {
      fail(`A run that nobody killed failed: ${run.printed.join('')}`);
    }
  }
}

function train(name, resume) {
  const args = ['train', '--data-root', join(folder, 'clips'), '--recipe', values.recipe];
  args.push(
    '--epochs',
    values.epochs,
    '--model-dir',
    join(folder, name, 'm'),
    '--reports-dir',
    join(folder, name, 'r'),
  );
  if (resume) args.push('--resume');
  const child = spawn(process.execPath, [join(root, 'dist', 'cli.js'), ...args], {
    // Each run reads the clips itself, and its killed predecessors' features.
    env: { ...process.env, DEEPFAKE_AUDIO_FEATURE_CACHE: join(folder, name, 'features') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => printed.push(String(chunk)));
  return { child, printed, ended: once(child, 'close').then(([code]) => code) };
}

/** What must be equal: digests of what a run leaves. */
async function results(name) {
  const digest = async (...path) =>
    createHash('sha256')
      .update(await readFile(join(folder, name, ...path)))
      .digest('hex');
  return {
    weights: await digest('m', 'deepfake_cnn.safetensors'),
    configuration: await digest('m', 'model_config.json'),
    metrics: await digest('r', 'metrics.json'),
    files: (await readdir(join(folder, name, 'm'))).sort().join(),
  };
}

/** Noise is Genuine, tones are Deepfake; both are easy to mix up when the noise is loud. */
async function writeClips() {
  const label = {
    genuine: () => 0,
    deepfake: (n, hertz) => 0.2 * Math.sin((2 * Math.PI * hertz * n) / SAMPLE_RATE),
  };
  for (const [name, tone] of Object.entries(label)) {
    await mkdir(join(folder, 'clips', name), { recursive: true });
    for (let clip = 0; clip < Number(values.clips); clip++) {
      const noise = generator(1000 * (name.length + 1) + clip);
      const hertz = 300 + 2000 * noise();
      const samples = Int16Array.from({ length: SAMPLE_RATE }, (_, n) =>
        Math.round(32_767 * (0.5 * (noise() - 0.5) + tone(n, hertz))),
      );
      await writeFile(
        join(folder, 'clips', name, `${clip}.wav`),
        pcmWav(Buffer.from(samples.buffer), SAMPLE_RATE),
      );
    }
  }
}

/** Uniform numbers in [0, 1) that a seed decides: mulberry32 (Tommy Ettinger, 2017). */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function fail(message) {
  throw new Error(message);
}
