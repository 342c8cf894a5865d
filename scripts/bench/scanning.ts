import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { distFile, packageRoot } from '../../daemon/paths.ts';
import { encodeWav } from '../encodeWav.ts';

/** Clock and core time of one pass over the clips, in seconds; core time is known on Linux only. */
export interface Pass {
  seconds: number;
  cpu?: number;
}

const CLOCK_TICKS_PER_SECOND = 100;

/** 4-second 16-kHz WAV files of noise, different in every file. */
export async function generateWav(folder: string, count: number, noise: (n: number) => Float32Array) {
  await mkdir(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    await writeFile(join(folder, `clip-${i}.wav`), encodeWav(noise(64_000), 16_000));
  }
}

/** 30-second 44.1-kHz MP3 files of coloured noise that swells and fades like speech. Throws where there is no ffmpeg with libmp3lame. */
export async function generateMp3(folder: string, count: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    const source = `anoisesrc=color=pink:seed=${i + 1}:duration=30:sample_rate=44100,tremolo=f=3:d=0.8`;
    const target = join(folder, `clip-${i}.mp3`);
    const flags = [
      '-nostdin',
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      source,
      '-ac',
      '1',
      '-b:a',
      '128k',
      target,
    ];
    execFileSync('ffmpeg', flags, { stdio: 'ignore' });
  }
}

/** `deepfake-audio scan` from process start to end. */
export async function scanPass(folder: string, options: string[]): Promise<Pass> {
  const started = performance.now();
  const args = [distFile('cli.js'), 'scan', folder, '--no-store', '--format', 'none', ...options];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let cpu: number | undefined;
  const watch = setInterval(() => {
    cpu = coreSeconds(child.pid as number) ?? cpu;
  }, 20);
  const messages = await text(child.stderr);
  clearInterval(watch);
  if (!messages.includes(' 0 not read')) throw new Error(messages);
  return { seconds: (performance.now() - started) / 1000, cpu };
}

/** User and system time of a process. */
function coreSeconds(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}

/** The Python loop over the first window of each file, without its start-up. */
export async function pythonPass(python: string, folder: string): Promise<Pass> {
  const script = join(packageRoot, 'scripts', 'bench', 'reference_loop.py');
  const output = execFileSync(python, [script, folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { seconds, cpu_seconds: cpu } = JSON.parse(output);
  return { seconds, cpu };
}
