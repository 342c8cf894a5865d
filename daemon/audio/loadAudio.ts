import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import type { AudioFacts } from '../../shared/verdict.ts';
import { AudioFile } from './audioFile.ts';
import { openFlac, openMp3, openOgg } from './compressed.ts';
import { DamagedContent, type Decoding, UnsupportedVariant } from './decoding.ts';
import { downmix } from './downmix.ts';
import { openWithFfmpeg } from './ffmpeg.ts';
import { Resampler, resampledLength } from './resample.ts';
import { type Content, identify } from './sniff.ts';
import { openWav } from './wav.ts';

export interface LoadedAudio {
  /** Mono, `sampleRate` samples per second, about [-1, 1]. */
  samples: Float32Array<ArrayBuffer>;
  /** Hertz. */
  sampleRate: number;
  facts: AudioFacts;
}

export interface LoadOptions {
  /** Hertz, default 16,000. */
  sampleRate?: number;
  /** Only the beginning, equal to the beginning of the whole. Decoding stops there where the decoder allows it. */
  maxSeconds?: number;
  /** Leaves out what comes before; the sound then begins within a sample of it, and is empty where it ends earlier. */
  startSeconds?: number;
  /** The user's ffmpeg, for what nothing here decodes. Default: the one on PATH. */
  ffmpegPath?: string;
  signal?: AbortSignal;
}

/** Longer sound would not fit into memory beside a model. */
const MAX_SECONDS = 4 * 3600;
const LARGEST_HEADER_BYTES = 16 * 1024;
/** Less than this missing is told as a warning, more makes the file a damaged one. */
const TOLERATED_MISSING = { fraction: 0.01, seconds: 0.1 };

/**
 * Reads an audio file as librosa.load does: channels averaged, then resampled by soxr HQ. What the file is, is
 * decided by its content. Errors (DeepfakeError): FileNotFound, FileUnreadable, FileEmpty, NotAudio, AudioDamaged,
 * DecoderMissing, FileTooLarge, Cancelled.
 */
export function loadAudio(path: string, options: LoadOptions = {}): Promise<LoadedAudio> {
  return readAudio(path, options, (file, decoding) => collect(file, decoding, options));
}

/** Receives a file's samples in order while it is decoded. */
export interface SampleReceiver {
  /** Takes what is next; the array may be used again by the caller. */
  push(samples: Float32Array): void;
  /** Called now and then; decoding goes on when it is resolved. */
  ready(): Promise<void>;
}

/**
 * Reads an audio file as `loadAudio` does, without ever holding all of it. `start` makes the receiver, and makes a new one
 * where another decoder has to begin again; it is told how long the container promises to be, if it does. The sound is what was pushed, cut or filled up with zeros to `length`, which is
 * off by a few samples at most.
 */
export function streamAudio<R extends SampleReceiver>(
  path: string,
  options: Omit<LoadOptions, 'maxSeconds' | 'startSeconds'>,
  start: (promisedSeconds: number | undefined) => R,
): Promise<{ receiver: R; length: number; facts: AudioFacts }> {
  const sampleRate = options.sampleRate ?? 16_000;
  return readAudio(path, options, async (file, decoding) => {
    const { promisedLength, sampleRate: headerRate } = decoding;
    const receiver = start(promisedLength === undefined ? undefined : promisedLength / headerRate);
    const decoded = await decode(file, decoding, sampleRate, {
      limit: MAX_SECONDS * sampleRate,
      push: (samples) => receiver.push(samples),
      ready: () => receiver.ready(),
    });
    if (!decoded.complete) throw tooLong(file);
    const length = resampledLength(decoded.length, decoded.fileRate, sampleRate);
    return { receiver, length, facts: audioFacts(file, decoding, decoded) };
  });
}

/** Whether `startSeconds` costs nothing, because the file can be read from its middle. Errors as `loadAudio`. */
export function canSeek(path: string): Promise<boolean> {
  return withContent(path, {}, async (file, content) => {
    try {
      return (await openInProcess(file, content)).blocksFrom !== undefined;
    } catch (error) {
      if (error instanceof UnsupportedVariant) return false;
      throw error;
    }
  });
}

/** Opens the file, finds what decodes it and explains what goes wrong. */
function readAudio<T>(
  path: string,
  options: LoadOptions,
  read: (file: AudioFile, decoding: Decoding) => Promise<T>,
): Promise<T> {
  return withContent(path, options, async (file, content) => {
    try {
      return await read(file, await openInProcess(file, content));
    } catch (error) {
      if (!(error instanceof UnsupportedVariant)) {
        throw error;
      }
      return await read(file, await openWithFfmpeg(file, content.container, options));
    }
  });
}

async function withContent<T>(
  path: string,
  options: LoadOptions,
  use: (file: AudioFile, content: Content) => Promise<T>,
): Promise<T> {
  const file = await AudioFile.open(path, options.signal);
  try {
    const content = await identify(file);
    if (content === undefined) {
      throw new DeepfakeError(
        ErrorCode.NotAudio,
        `${path} is not an audio file that is known here: give a WAV, MP3, FLAC, Ogg, M4A or AAC file.`,
        path,
      );
    }
    return await use(file, content);
  } catch (error) {
    throw explained(error, path);
  } finally {
    await file.close();
  }
}

async function openInProcess(file: AudioFile, { container, offset }: Content): Promise<Decoding> {
  switch (container) {
    case 'wav':
      return openWav(file, offset);
    case 'mp3':
      return openMp3(file, offset);
    case 'flac':
      return openFlac(file, offset);
    case 'ogg':
      return openOgg(file, offset);
    case 'mp4':
    case 'aac':
      // A megabyte that most files do not need.
      return (await import('./aac.ts')).openAac(file, container, offset);
    default:
      throw new UnsupportedVariant(container);
  }
}

async function collect(file: AudioFile, decoding: Decoding, options: LoadOptions): Promise<LoadedAudio> {
  const sampleRate = options.sampleRate ?? 16_000;
  const wanted = options.maxSeconds === undefined ? undefined : Math.ceil(options.maxSeconds * sampleRate);
  const limit = wanted ?? MAX_SECONDS * sampleRate;
  const collected = new SampleCollector(limit);
  const decoded = await decode(file, decoding, sampleRate, {
    limit,
    startSeconds: options.startSeconds,
    push: (samples) => collected.push(samples),
  });
  if (!decoded.complete && wanted === undefined) throw tooLong(file);
  const length = decoded.complete
    ? resampledLength(decoded.length - decoded.skipped, decoded.fileRate, sampleRate)
    : (wanted ?? 0);
  const samples = collected.take(wanted === undefined ? length : Math.min(length, wanted));
  const facts = audioFacts(file, decoding, decoded);
  if (!decoded.complete || wanted !== undefined) facts.duration = samples.length / sampleRate;
  return { samples, sampleRate, facts };
}

interface Decoded {
  /** Samples per channel that came out of the decoder, and their rate in hertz. */
  length: number;
  fileRate: number;
  /** How many of them were left out at the beginning. */
  skipped: number;
  /** Whether the end of the file was reached. */
  complete: boolean;
}

/** Where decoded samples go; decoding stops when `limit` of them have been pushed. */
interface Target {
  limit: number;
  /** What comes before is left out. */
  startSeconds?: number;
  push(samples: Float32Array): void;
  ready?(): Promise<void>;
}

async function decode(
  file: AudioFile,
  decoding: Decoding,
  sampleRate: number,
  target: Target,
): Promise<Decoded> {
  const decoded: Decoded = { length: 0, fileRate: 0, skipped: 0, complete: true };
  const { startSeconds = 0 } = target;
  let blocks = decoding.blocks;
  if (startSeconds > 0 && decoding.blocksFrom !== undefined) {
    decoded.skipped = Math.min(
      Math.round(startSeconds * decoding.sampleRate),
      decoding.promisedLength ?? Number.POSITIVE_INFINITY,
    );
    decoded.length = decoded.skipped;
    decoded.fileRate = decoding.sampleRate;
    blocks = decoding.blocksFrom(decoded.skipped);
  }
  let pushed = 0;
  const push = (samples: Float32Array) => {
    pushed += samples.length;
    target.push(samples);
  };
  let resampler: Resampler | undefined;
  for await (const block of blocks) {
    if (decoded.fileRate === 0) decoded.fileRate = block.sampleRate;
    if (resampler === undefined && block.sampleRate !== sampleRate) {
      resampler = new Resampler(block.sampleRate, sampleRate, push);
    }
    if (block.sampleRate !== decoded.fileRate) {
      throw new DamagedContent(
        `its sample rate changes from ${decoded.fileRate} to ${block.sampleRate} Hz on the way`,
      );
    }
    const before = Math.round(startSeconds * decoded.fileRate) - decoded.length;
    const blockLength = block.channels[0].length;
    decoded.length += blockLength;
    if (before > 0) decoded.skipped += Math.min(before, blockLength);
    if (before >= blockLength) {
      await target.ready?.();
      continue;
    }
    const sound = downmix(block.channels);
    const mono = before > 0 ? sound.subarray(before) : sound;
    requireSound(mono);
    if (resampler === undefined) {
      push(mono);
    } else {
      resampler.push(mono);
    }
    await target.ready?.();
    if (pushed >= target.limit) {
      decoded.complete = false;
      break;
    }
  }
  if (decoded.length === 0) {
    throw nothingDecoded(file, decoding);
  }
  if (decoded.complete) {
    resampler?.finish();
    requirePromised(decoding, decoded.length, decoded.fileRate);
  }
  return decoded;
}

/** What is known about a file once it has been decoded to its end. */
function audioFacts(file: AudioFile, decoding: Decoding, decoded: Decoded): AudioFacts {
  const { container, codec, channels, bitsPerSample, decoder, warnings } = decoding;
  const sampleRate = decoded.fileRate;
  const duration = decoded.length / sampleRate;
  return {
    container,
    codec,
    sampleRate,
    channels,
    bitsPerSample,
    duration,
    bytes: file.size,
    decoder,
    warnings,
  };
}

const tooLong = ({ path }: AudioFile): DeepfakeError =>
  new DeepfakeError(
    ErrorCode.FileTooLarge,
    `${path} lasts longer than ${MAX_SECONDS / 3600} hours: cut it into shorter files.`,
    path,
  );

/** A file may say that it is empty; one of some size that yields nothing is damaged. */
function nothingDecoded({ path, size }: AudioFile, { promisedLength }: Decoding): Error {
  if (promisedLength === 0 || (promisedLength === undefined && size < LARGEST_HEADER_BYTES)) {
    return new DeepfakeError(
      ErrorCode.FileEmpty,
      `${path} has a header but no sound: record or copy the file again.`,
      path,
    );
  }
  return new DamagedContent('no sound in it can be decoded');
}

/** Integers of 32 bits in a file of floats are below; the power of anything larger would overflow on its way to the network. */
const LARGEST_SAMPLE = 2 ** 32;

function requireSound(samples: Float32Array): void {
  // 0 · x is NaN for infinities and NaN, and the sum keeps it.
  let sum = 0;
  let largest = 0;
  for (let i = 0; i < samples.length; i++) {
    sum += 0 * samples[i];
    const level = samples[i] < 0 ? -samples[i] : samples[i];
    if (level > largest) largest = level;
  }
  if (sum !== 0) {
    throw new DamagedContent('it contains samples that are not numbers');
  }
  if (largest > LARGEST_SAMPLE) {
    throw new DamagedContent(`it contains samples ${largest.toPrecision(1)} times as large as full scale`);
  }
}

function requirePromised({ promisedLength, warnings }: Decoding, decoded: number, sampleRate: number): void {
  if (promisedLength === undefined || decoded >= promisedLength) {
    return;
  }
  const missing = promisedLength - decoded;
  const seconds = (samples: number) => (samples / sampleRate).toFixed(2);
  if (missing > TOLERATED_MISSING.fraction * decoded + TOLERATED_MISSING.seconds * sampleRate) {
    throw new DamagedContent(
      `${seconds(promisedLength)} s of sound are promised and ${seconds(decoded)} s could be decoded`,
    );
  }
  warnings.push(`${missing} of ${promisedLength} samples are missing.`);
}

function explained(error: unknown, path: string): DeepfakeError {
  if (error instanceof DeepfakeError) {
    return error;
  }
  const reason = error instanceof DamagedContent ? error.message : `its decoder failed (${messageOf(error)})`;
  return new DeepfakeError(
    ErrorCode.AudioDamaged,
    `${path} is damaged: ${reason}; record, copy or export it again.`,
    path,
    { cause: error },
  );
}

/** Samples of unknown number, in blocks that need not be moved while they come. */
class SampleCollector {
  #blocks: Float32Array[] = [];
  #used = 0;
  #length = 0;

  /** Takes at most `limit` samples. */
  constructor(private readonly limit: number) {}

  push(samples: Float32Array): void {
    for (let rest = samples.subarray(0, this.limit - this.#length); rest.length > 0; ) {
      let block = this.#blocks.at(-1);
      if (block === undefined || this.#used === block.length) {
        block = new Float32Array(Math.min(65_536 * 2 ** this.#blocks.length, 2 ** 20));
        this.#blocks.push(block);
        this.#used = 0;
      }
      const part = rest.subarray(0, block.length - this.#used);
      block.set(part, this.#used);
      this.#used += part.length;
      this.#length += part.length;
      rest = rest.subarray(part.length);
    }
  }

  /** Exactly `length` samples: cut, or zeros appended, where the resampler's end differs by a sample. */
  take(length: number): Float32Array<ArrayBuffer> {
    const samples = new Float32Array(length);
    let at = 0;
    for (let block = this.#blocks.shift(); block !== undefined && at < length; block = this.#blocks.shift()) {
      const part = block.subarray(0, Math.min(this.#length - at, length - at));
      samples.set(part, at);
      at += part.length;
    }
    return samples;
  }
}
