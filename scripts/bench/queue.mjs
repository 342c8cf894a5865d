// Throughput of a distributed scan: files per second with 1 and 2 workers, and without a queue.
//   node scripts/bench/queue.mjs FOLDER [--workers 1,2]
// Needs dist/ (npm run build) and redis-server or valkey-server. All workers share this machine's cores, so that two bring only what one
// leaves unused: more machines are what the queue is for.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    workers: { type: 'string', default: '1,2' },
    redis: { type: 'string', default: 'redis-server' },
    port: { type: 'string', default: '16790' },
  },
});
const [tree] = positionals;
if (tree === undefined) {
  console.error('error: name a folder of sound files.');
  process.exit(1);
}
const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'deepfake-queue-'));
const url = `redis://127.0.0.1:${values.port}`;
const children = new Set();

try {
  console.log(`${tree}; ${availableParallelism()} cores, Node ${process.version}, ${values.redis}`);
  console.log(`without a queue: ${await rate()}`);
  const options = [
    '--port',
    values.port,
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--appendonly',
    'yes',
    '--save',
    '',
  ];
  await started(values.redis, options, 'Ready to accept connections');
  for (const count of values.workers.split(',').map(Number)) {
    const args = [cli, 'worker', '--queue', url];
    const workers = Array.from({ length: count }, () => started(process.execPath, args, 'works for'));
    await Promise.all(workers);
    console.log(`${count} ${count === 1 ? 'worker' : 'workers'}: ${await rate('--queue', url)}`);
    await Promise.all(workers.map(async (worker) => end(await worker)));
  }
} finally {
  await Promise.all([...children].map(end));
  rmSync(folder, { recursive: true, force: true });
}

/** What a scan that keeps nothing says of its speed. */
async function rate(...options) {
  const args = [cli, 'scan', tree, '--no-store', '--format', 'none', ...options];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const said = await text(child.stderr);
  const [, files, seconds] = /([\d,]+) files in ([\d.,]+) s/.exec(said) ?? [];
  if (files === undefined) throw new Error(said);
  const number = (shown) => Number(shown.replaceAll(',', ''));
  return `${files} files in ${seconds} s, ${(number(files) / number(seconds)).toFixed(1)} files/s`;
}

/** A process, once it has said that it is ready. */
async function started(program, args, word) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  children.add(child);
  let said = '';
  for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    said += chunk;
    if (said.includes(word)) break;
  }
  child.stdout.resume();
  if (!said.includes(word)) throw new Error(`${program} did not start: ${said}`);
  return child;
}

async function end(child) {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
