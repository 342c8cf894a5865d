// npm run load: many requests at once to a daemon. Ends with 1 where one got a wrong answer, or where memory grew beyond a bound.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { loadAudio } from '../../daemon/audio/loadAudio.ts';
import { packageRoot } from '../../daemon/paths.ts';
import { encodeWav } from '../encodeWav.ts';
import { loadDaemon, percentile } from './loadDaemon.ts';

/** Growth in the second half beyond which something is not given back. */
const GROWTH_LIMIT_BYTES = 64 * 2 ** 20;
/** One second of each sample is asked for, so that twenty thousand take minutes: requests are what is tried here. */
const CLIP_SECONDS = 1;
const SAMPLE_RATE = 16_000;
const SAMPLES = ['genuine-man-italian.wav', 'genuine-woman-english.flac', 'synthetic-espeak-english.wav'];

const program = new Command('load')
  .option('--requests <n>', 'how many in all', Number, 20_000)
  .option('--concurrent <n>', 'how many wait for an answer at any time', Number, 1000)
  .option('--cancelled <share>', 'share of them that is taken back', Number, 0.2)
  .option('--seed <n>', 'other requests to take back', Number, 1)
  .parse();
const { requests, concurrent, cancelled, seed } = program.opts<Record<string, number>>();

const percentiles = (milliseconds: number[]): string => {
  const times = [0.5, 0.95, 0.99, 1].map(
    (share) => `${(percentile(milliseconds, share) / 1000).toFixed(2)} s`,
  );
  return `median ${times[0]}, 95 % ${times[1]}, 99 % ${times[2]}, longest ${times[3]}`;
};

const folder = await mkdtemp(join(tmpdir(), 'deepfake-load-'));
async function clipOf(sample: string): Promise<string> {
  const { samples } = await loadAudio(sample, { sampleRate: SAMPLE_RATE, maxSeconds: CLIP_SECONDS });
  const clip = join(folder, `${basename(sample)}.wav`);
  await writeFile(clip, encodeWav(samples, SAMPLE_RATE));
  return clip;
}

try {
  const { rss, latencies, cancellationLatencies, ...result } = await loadDaemon({
    files: await Promise.all(SAMPLES.map((name) => clipOf(join(packageRoot, 'media', 'samples', name)))),
    requests,
    concurrent,
    cancelled,
    seed,
    environment: { XDG_CACHE_HOME: folder },
    onProgress: (done) => {
      if (process.stderr.isTTY && done % 100 === 0) process.stderr.write(`\r${done} of ${requests}`);
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\r');
  const megabytes = rss.map((bytes) => Math.round(bytes / 2 ** 20));
  console.log(`${requests} requests, ${concurrent} at once, in ${result.seconds.toFixed(0)} s`);
  console.log(
    `${result.verdicts} verdicts, ${result.cancelled} cancelled, overtaken by ${result.latest} at most`,
  );
  for (const [message, count] of result.errors) console.log(`${count} × ${message}`);
  console.log(`latency of the answered: ${percentiles(latencies)}`);
  console.log(`from taking back to the answer: ${percentiles(cancellationLatencies)}`);
  console.log(
    `memory of the daemon: ${megabytes[0]} MB before, ${megabytes[1]} MB half-way, ${megabytes[2]} MB after`,
  );
  const answered = result.verdicts + result.cancelled === requests;
  process.exitCode = answered && rss[2] - rss[1] < GROWTH_LIMIT_BYTES ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
