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
export async function loadAudio(path: string, options: LoadOptions = {}): Promise<LoadedAudio> {
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
    try {
      return await collect(file, await openInProcess(file, content), options);
    } catch (error) {
      if (!(error instanceof UnsupportedVariant)) {
        throw error;
      }
      return await collect(file, await openWithFfmpeg(file, content.container, options), options);
    }
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
  const collected = new SampleCollector(wanted ?? MAX_SECONDS * sampleRate);
  let fileRate = 0;
  let decodedLength = 0;
  let resampler: Resampler | undefined;
  let complete = true;
  for await (const block of decoding.blocks) {
    const mono = downmix(block.channels);
    if (fileRate === 0) {
      fileRate = block.sampleRate;
      resampler =
        fileRate === sampleRate
          ? undefined
          : new Resampler(fileRate, sampleRate, (samples) => collected.push(samples));
    } else if (block.sampleRate !== fileRate) {
      throw new DamagedContent(
        `its sample rate changes from ${fileRate} to ${block.sampleRate} Hz on the way`,
      );
    }
    requireFinite(mono);
    decodedLength += mono.length;
    if (resampler === undefined) {
      collected.push(mono);
    } else {
      resampler.push(mono);
    }
    if (collected.full) {
      complete = false;
      break;
    }
  }
  if (decodedLength === 0) {
    throw nothingDecoded(file, decoding);
  }
  if (complete) {
    resampler?.finish();
    requirePromised(decoding, decodedLength, fileRate);
  } else if (wanted === undefined) {
    throw new DeepfakeError(
      ErrorCode.FileTooLarge,
      `${file.path} lasts longer than ${MAX_SECONDS / 3600} hours: cut it into shorter files.`,
      file.path,
    );
  }
  const { container, codec, channels, bitsPerSample, decoder, warnings } = decoding;
  const length = complete ? resampledLength(decodedLength, fileRate, sampleRate) : (wanted ?? 0);
  const samples = collected.take(wanted === undefined ? length : Math.min(length, wanted));
  const duration = complete && wanted === undefined ? decodedLength / fileRate : samples.length / sampleRate;
  const facts = { container, codec, sampleRate: fileRate, channels, bitsPerSample, duration };
  return { samples, sampleRate, facts: { ...facts, bytes: file.size, decoder, warnings } };
}

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

function requireFinite(samples: Float32Array): void {
  // 0 · x is NaN for infinities and NaN, and the sum keeps it.
  let sum = 0;
  for (let i = 0; i < samples.length; i++) {
    sum += 0 * samples[i];
  }
  if (sum !== 0) {
    throw new DamagedContent('it contains samples that are not numbers');
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

  get full(): boolean {
    return this.#length >= this.limit;
  }

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
