import type { ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import { endProcessGroup } from '../runningProcess.ts';
import type { AudioFile } from './audioFile.ts';
import { DamagedContent, type Decoding, type SoundBlock } from './decoding.ts';
import type { Container } from './sniff.ts';

/** ffmpeg's demuxer for each container: it is told which one, so that content cannot choose another. */
const DEMUXERS: Record<Container, string> = {
  wav: 'wav',
  aiff: 'aiff',
  flac: 'flac',
  ogg: 'ogg',
  mp3: 'mp3',
  aac: 'aac',
  mp4: 'mov',
  matroska: 'matroska',
  caf: 'caf',
  w64: 'w64',
  au: 'au',
  amr: 'amr',
  asf: 'asf',
  ac3: 'ac3',
  wavpack: 'wv',
  ape: 'ape',
  tta: 'tta',
  avi: 'avi',
  flv: 'flv',
  mpegts: 'mpegts',
};
const TIME_LIMIT_SECONDS = 600;
const BYTES_PER_SAMPLE = 4;
const LONGEST_HEADER_BYTES = 4096;

/**
 * Decodes by the user's ffmpeg what nothing in this process decodes. ffmpeg may read this one file and nothing else,
 * gets no shell, and is killed with all that it started after 10 minutes, on abort, and once nobody reads on.
 * Errors: DecoderMissing where there is no ffmpeg.
 */
export async function openWithFfmpeg(
  file: AudioFile,
  container: Container,
  options: { ffmpegPath?: string; signal?: AbortSignal },
): Promise<Decoding> {
  const ffmpegPath = findFfmpeg(options.ffmpegPath);
  if (ffmpegPath === undefined) {
    const where = options.ffmpegPath === undefined ? 'on the PATH' : `at ${options.ffmpegPath}`;
    throw new DeepfakeError(
      ErrorCode.DecoderMissing,
      `${file.path} can only be decoded by ffmpeg, and there is none ${where}: install it from https://ffmpeg.org or your package manager, or convert the file to WAV or FLAC.`,
      file.path,
    );
  }
  const run = await start(file, container, ffmpegPath);
  const kill = () => run.kill();
  options.signal?.addEventListener('abort', kill, { once: true });
  run.outcome.finally(() => options.signal?.removeEventListener('abort', kill));
  try {
    const pieces = run.output[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const { sampleRate, channels, rest } = await readHeader(pieces, run);
    const decoding: Decoding = {
      container,
      codec: 'unknown',
      sampleRate,
      channels,
      decoder: 'ffmpeg',
      warnings: [],
      blocks: readBlocks(rest, pieces, run, () => decoding),
    };
    return decoding;
  } catch (error) {
    run.kill();
    await file.pause();
    throw error;
  }
}

/** The header of the WAVE stream, which ffmpeg writes before it knows the length, and the bytes behind it. */
async function readHeader(
  pieces: AsyncIterator<Buffer>,
  run: Run,
): Promise<{ sampleRate: number; channels: number; rest: Buffer }> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < LONGEST_HEADER_BYTES) {
    const { value, done } = await pieces.next();
    if (!done) {
      head = Buffer.concat([head, value]);
    }
    const format = head.indexOf('fmt ', 12, 'latin1');
    const data = head.indexOf('data', 12, 'latin1');
    if (format > 0 && data > format && head.length >= data + 8) {
      const channels = head.readUInt16LE(format + 10);
      return { channels, sampleRate: head.readUInt32LE(format + 12), rest: head.subarray(data + 8) };
    }
    if (done) {
      break;
    }
  }
  const { failure, complaints } = await run.outcome;
  throw new DamagedContent(`ffmpeg finds no sound in it (${complaints[0] ?? failure ?? 'no output'})`);
}

async function* readBlocks(
  rest: Buffer,
  pieces: AsyncIterator<Buffer>,
  run: Run,
  decoding: () => Decoding,
): AsyncGenerator<SoundBlock> {
  const { channels, sampleRate, warnings } = decoding();
  const frameBytes = channels * BYTES_PER_SAMPLE;
  let ended = false;
  try {
    let bytes = rest;
    for (;;) {
      const frames = Math.floor(bytes.length / frameBytes);
      if (frames > 0) {
        yield { channels: deinterleave(bytes, frames, channels), sampleRate };
      }
      const remainder = bytes.subarray(frames * frameBytes);
      const { value, done } = await pieces.next();
      if (done) {
        break;
      }
      bytes = Buffer.concat([remainder, value]);
    }
    ended = true;
  } finally {
    if (!ended) {
      run.kill();
      run.output.destroy();
    }
  }
  const { failure, complaints } = await run.outcome;
  if (failure !== undefined) {
    throw new DamagedContent(`ffmpeg failed (${complaints[0] ?? failure})`);
  }
  // ffmpeg goes on behind much damage and ends with success.
  warnings.push(...complaints.slice(0, 3).map((complaint) => `ffmpeg: ${complaint}`));
}

function deinterleave(bytes: Buffer, frames: number, channels: number): Float32Array[] {
  const interleaved = new Float32Array(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + frames * channels * BYTES_PER_SAMPLE),
  );
  return Array.from({ length: channels }, (_, channel) => {
    const samples = new Float32Array(frames);
    for (let i = 0; i < frames; i++) {
      samples[i] = interleaved[i * channels + channel];
    }
    return samples;
  });
}

/** The ffmpeg that is named, or else the one on the PATH; undefined where there is none. */
export function findFfmpeg(ffmpegPath = findOnPath()): string | undefined {
  return ffmpegPath !== undefined && isExecutable(ffmpegPath) ? ffmpegPath : undefined;
}

/** `ffmpeg` in one of the folders of PATH. */
function findOnPath(): string | undefined {
  const name = process.platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg';
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** How a run ended. */
interface Outcome {
  /** Why ffmpeg failed, if it did. */
  failure?: string;
  /** What it wrote to its error output. */
  complaints: string[];
}

/** A running ffmpeg: its output as 32-bit float WAVE, and how it ended. */
interface Run {
  output: PassThrough;
  outcome: Promise<Outcome>;
  kill(): void;
}

/** What fluent-ffmpeg has and its types leave out. */
interface Spawning {
  _spawnFfmpeg(args: string[], options: object, ...callbacks: Callback[]): void;
}
type Callback = (...values: unknown[]) => void;

type ProcessListener = (pid: number, running: boolean) => void;
let listener: ProcessListener = () => {};

/** Has `told` of each ffmpeg of this thread: a thread that is ended from outside leaves them running. */
export function watchProcesses(told: ProcessListener): void {
  listener = told;
}

async function start(file: AudioFile, container: Container, ffmpegPath: string): Promise<Run> {
  const { default: ffmpeg } = await import('fluent-ffmpeg');
  // The default of `presets` comes from __dirname, which an ES module bundle does not have.
  const command = ffmpeg({ stdoutLines: 20, presets: '.' });
  const running = new Set<number>();
  let killed: string | undefined;
  const kill = (reason: string) => {
    killed ??= reason;
    for (const pid of running) endProcessGroup(pid);
  };
  // Each in a process group of its own, so that whatever it starts ends with it: ffmpeg is first asked what it can do.
  const spawning = command as unknown as Spawning;
  const spawn = spawning._spawnFfmpeg;
  spawning._spawnFfmpeg = (args, spawnOptions, ...callbacks) => {
    const [told, ended] = callbacks.length > 1 ? callbacks : [() => {}, callbacks[0]];
    const onProcess = (child: ChildProcess, ...rings: unknown[]) => {
      const { pid } = child;
      if (pid !== undefined) {
        running.add(pid);
        listener(pid, true);
        child.once('exit', () => {
          running.delete(pid);
          listener(pid, false);
        });
      }
      told(child, ...rings);
      // Asked to end before it had begun.
      if (killed !== undefined) kill(killed);
    };
    spawn.call(
      command,
      args,
      { ...spawnOptions, detached: process.platform !== 'win32' },
      onProcess as Callback,
      ended,
    );
  };
  command.setFfmpegPath(ffmpegPath);
  command.input(`file:${file.path}`);
  command.inputOptions([
    '-nostdin',
    '-v',
    'error',
    '-timelimit',
    String(TIME_LIMIT_SECONDS),
    '-threads',
    '1',
  ]);
  command.inputOptions(['-protocol_whitelist', 'file']);
  command.inputOptions(['-format_whitelist', DEMUXERS[container], '-f', DEMUXERS[container]]);
  command.outputOptions(['-map', '0:a:0', '-threads', '1', '-c:a', 'pcm_f32le', '-bitexact', '-f', 'wav']);
  // fluent-ffmpeg gives up an ffmpeg that has not ended 20 ms after its output was closed, which on a busy machine is too soon.
  const output = new PassThrough({ emitClose: false });
  const complaints: string[] = [];
  const timer = setTimeout(kill, 1000 * TIME_LIMIT_SECONDS, `it took longer than ${TIME_LIMIT_SECONDS} s`);
  const outcome = new Promise<Outcome>((resolve) => {
    const end = (failure?: string) => {
      clearTimeout(timer);
      resolve({ failure, complaints });
    };
    command.on('stderr', (line: string) => line.trim() && complaints.push(line.trim()));
    command.on('end', () => end());
    command.on('error', (error: Error) => {
      end(killed ?? error.message);
      output.end();
    });
  });
  command.pipe(output, { end: true });
  return { output, outcome, kill: () => kill('it was stopped') };
}
