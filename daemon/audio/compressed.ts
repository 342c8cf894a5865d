import type { AudioFile } from './audioFile.ts';
import { DamagedContent, type Decoding, type SoundBlock, UnsupportedVariant } from './decoding.ts';
import { mpegFrame } from './mpegFrame.ts';
import { text } from './sniff.ts';

/** What the decoders of audio-decode have in common. */
interface ChunkDecoder {
  decode(chunk: Uint8Array): DecodedChunk;
  flush?(): DecodedChunk;
  free(): void;
}
interface DecodedChunk {
  channelData: Float32Array[];
  sampleRate: number;
  /** Where present, the channels may be longer than what was decoded. */
  samplesDecoded?: number;
  errors?: { message: string }[];
}

/** As many as Vorbis, Opus and FLAC have names for. */
const MAX_CHANNELS = 8;

/** MPEG audio layers I–III, by mpg123. `offset` is the first frame. */
export async function openMp3(file: AudioFile, offset: number): Promise<Decoding> {
  const head = await file.read(offset, 4096);
  const frame = mpegFrame(head, 0);
  if (frame === undefined) {
    throw new DamagedContent('it has no valid MPEG frame');
  }
  const { decoder } = await import('@audio/decode-mp3');
  const decoding: Decoding = {
    container: 'mp3',
    codec: { layer1: 'mp1', layer2: 'mp2', layer3: 'mp3', adts: 'aac' }[frame.kind],
    sampleRate: frame.sampleRate,
    channels: frame.channels,
    decoder: 'mpg123',
    promisedLength: xingLength(head, frame.samples),
    warnings: [],
    blocks: [] as unknown as AsyncIterable<SoundBlock>,
  };
  decoding.blocks = decodeChunks(file, offset, await decoder(), decoding);
  return decoding;
}

/**
 * Samples per channel by a Xing, Info or VBRI header, which encoders put into the first frame, less the delay and
 * padding that LAME's extension of it names and mpg123 cuts off.
 */
function xingLength(head: Uint8Array, samplesPerFrame: number): number | undefined {
  const fields = view(head);
  // Behind the side information, whose size depends on version and channels.
  for (const at of [36, 21, 13]) {
    const name = text(head, at, 4);
    const flags = fields.getUint32(at + 4);
    if ((name !== 'Xing' && name !== 'Info') || !(flags & 1)) {
      continue;
    }
    const coded = fields.getUint32(at + 8) * samplesPerFrame;
    const extension = at + 8 + 4 + (flags & 2 ? 4 : 0) + (flags & 4 ? 100 : 0) + (flags & 8 ? 4 : 0);
    const edges = /^L(AME|avc|avf|3\.)/.test(text(head, extension, 4)) ? fields.getUint32(extension + 20) : 0;
    return coded - ((edges >> 12) & 0xfff) - (edges & 0xfff);
  }
  return text(head, 36, 4) === 'VBRI' ? fields.getUint32(36 + 14) * samplesPerFrame : undefined;
}

/** Native FLAC. `offset` is the marker 'fLaC'. */
export async function openFlac(file: AudioFile, offset: number): Promise<Decoding> {
  const info = streamInfo(await file.read(offset + 4, 38));
  const { decoder } = await import('@audio/decode-flac');
  const decoding: Decoding = {
    container: 'flac',
    codec: 'flac',
    ...info,
    decoder: 'libFLAC',
    warnings: [],
    blocks: [] as unknown as AsyncIterable<SoundBlock>,
  };
  decoding.blocks = decodeChunks(file, offset, await decoder(), decoding);
  return decoding;
}

/** FLAC's STREAMINFO behind its block header of 4 bytes (RFC 9639, section 8.2). */
function streamInfo(
  block: Uint8Array,
): Pick<Decoding, 'sampleRate' | 'channels' | 'bitsPerSample' | 'promisedLength'> {
  if (block.length < 38 || (block[0] & 0x7f) !== 0) {
    throw new DamagedContent('its description of the stream is missing');
  }
  const fields = view(block.subarray(4));
  const rates = fields.getUint32(10);
  const sampleRate = rates >>> 12;
  if (sampleRate === 0) {
    throw new DamagedContent('its header says a sample rate of 0 Hz');
  }
  const total = (fields.getUint8(13) & 15) * 2 ** 32 + fields.getUint32(14);
  return {
    sampleRate,
    channels: ((rates >>> 9) & 7) + 1,
    bitsPerSample: ((rates >>> 4) & 31) + 1,
    promisedLength: total || undefined,
  };
}

/** Ogg with one stream of Vorbis, Opus or FLAC. `offset` is its first page. */
export async function openOgg(file: AudioFile, offset: number): Promise<Decoding> {
  const head = await file.read(offset, 65_536);
  const packet = head.subarray(27 + head[26]);
  const fields = view(packet);
  const decoding: Decoding = {
    container: 'ogg',
    codec: '',
    sampleRate: 0,
    channels: 0,
    decoder: '',
    warnings: [],
    blocks: [] as unknown as AsyncIterable<SoundBlock>,
  };
  let decoder: ChunkDecoder;
  let preSkip = 0;
  if (hasSecondStream(head)) {
    throw new UnsupportedVariant('Ogg with several streams');
  } else if (text(packet, 0, 7) === '\x01vorbis' && packet.length >= 30) {
    Object.assign(decoding, { codec: 'vorbis', decoder: 'libvorbis' });
    Object.assign(decoding, { channels: packet[11], sampleRate: fields.getUint32(12, true) });
    decoder = await (await import('@audio/decode-vorbis')).decoder();
  } else if (text(packet, 0, 8) === 'OpusHead' && packet.length >= 19) {
    // Opus always decodes to 48 kHz; the rate in its header is that of the encoder's input.
    Object.assign(decoding, { codec: 'opus', decoder: 'libopus', channels: packet[9], sampleRate: 48_000 });
    preSkip = fields.getUint16(10, true);
    decoder = await (await import('@audio/decode-opus')).decoder();
  } else if (text(packet, 0, 5) === '\x7fFLAC' && packet.length >= 9 + 42) {
    Object.assign(decoding, { codec: 'flac', decoder: 'libFLAC' }, streamInfo(packet.subarray(13)));
    decoder = await (await import('@audio/decode-flac')).decoder();
  } else {
    throw new UnsupportedVariant('Ogg with another codec');
  }
  // More have no defined meaning, and each costs memory.
  if (decoding.channels > MAX_CHANNELS) {
    throw new UnsupportedVariant(`Ogg with ${decoding.channels} channels`);
  }
  if (decoding.channels === 0 || decoding.sampleRate === 0) {
    throw new DamagedContent(
      `its header says ${decoding.channels} channels at a sample rate of ${decoding.sampleRate} Hz`,
    );
  }
  const last = await lastPage(file, fieldsAt(head, 14));
  if (last !== undefined && !last.endOfStream) {
    decoding.warnings.push('The stream has no end mark: the file may have been cut off.');
  }
  if (last !== undefined && startsNearZero(head, decoding.sampleRate)) {
    decoding.promisedLength ??= Math.max(0, last.granule - preSkip);
  }
  decoding.blocks = decodeChunks(file, offset, decoder, decoding);
  return decoding;
}

/** Whether a second beginning-of-stream page follows the first (RFC 3533): video, subtitles, or a second sound. */
function hasSecondStream(head: Uint8Array): boolean {
  const second = nextPage(head, 0);
  return second !== undefined && (head[second + 5] & 2) !== 0;
}

/** Offset of the page behind the one at `at`, if it begins within `head`. */
function nextPage(head: Uint8Array, at: number): number | undefined {
  const segments = head.subarray(at + 27, at + 27 + head[at + 26]);
  const next = at + 27 + segments.length + segments.reduce((sum, size) => sum + size, 0);
  return text(head, next, 4) === 'OggS' && next + 27 <= head.length ? next : undefined;
}

/** Granule position of the page at `at`: the number of the last sample that ends in it, −1 where none does. */
function granule(page: Uint8Array, at: number): number {
  return Number(view(page).getBigInt64(at + 6, true));
}

/** Streams cut out of longer ones begin at a later position: their last one says nothing about the length. */
function startsNearZero(head: Uint8Array, sampleRate: number): boolean {
  const LONGEST_PAGE_SECONDS = 30;
  for (let at: number | undefined = 0; at !== undefined; at = nextPage(head, at)) {
    const position = granule(head, at);
    if (position > 0) {
      return position < LONGEST_PAGE_SECONDS * sampleRate;
    }
  }
  return false;
}

async function lastPage(
  file: AudioFile,
  serial: number,
): Promise<{ granule: number; endOfStream: boolean } | undefined> {
  const LONGEST_PAGE_BYTES = 65_307;
  const tail = await file.read(Math.max(0, file.size - LONGEST_PAGE_BYTES), LONGEST_PAGE_BYTES);
  for (let at = tail.length - 27; at >= 0; at--) {
    if (tail[at] === 0x4f && text(tail, at, 4) === 'OggS' && fieldsAt(tail, at + 14) === serial) {
      const position = granule(tail, at);
      if (position >= 0) {
        return { granule: position, endOfStream: (tail[at + 5] & 4) !== 0 };
      }
    }
  }
  return undefined;
}

async function* decodeChunks(
  file: AudioFile,
  offset: number,
  decoder: ChunkDecoder,
  decoding: Decoding,
): AsyncGenerator<SoundBlock> {
  let errors = 0;
  const taken = (decoded: DecodedChunk): SoundBlock | undefined => {
    errors += decoded.errors?.length ?? 0;
    const length = decoded.samplesDecoded ?? decoded.channelData[0]?.length ?? 0;
    if (length === 0) {
      return undefined;
    }
    // mpg123 is built to give two channels always; those of a mono file are equal.
    const channels = decoded.channelData
      .slice(0, decoding.channels)
      .map((channel) => (channel.length > length ? channel.subarray(0, length) : channel));
    if (decoding.codec === 'flac') {
      rescaleFlac(channels, decoding.bitsPerSample ?? 0);
    }
    return { channels, sampleRate: decoded.sampleRate };
  };
  try {
    const cut = decoding.container === 'flac' ? cutFlac : decoding.container === 'ogg' ? cutOgg : undefined;
    for await (const chunk of file.chunks(offset, cut)) {
      const block = taken(guarded(() => decoder.decode(chunk)));
      if (block !== undefined) {
        yield block;
      }
    }
    const rest = decoder.flush && taken(guarded(() => decoder.flush!()));
    if (rest !== undefined) {
      yield rest;
    }
  } finally {
    decoder.free();
  }
  if (errors > 0) {
    decoding.warnings.push(`${errors} pieces of the file could not be decoded.`);
  }
}

/** What one call of a decoder may bring: silence is packed a hundred thousand times, and all of it would lie in memory at once. */
const FLAC_SAMPLES_AT_ONCE = 2 ** 20;
const OGG_SEGMENTS_AT_ONCE = 1024;

/**
 * Where to end a chunk so that no frame header is cut in two, because the decoder would overlook that frame and lose it, and
 * so that few samples are decoded at once. A header begins with 14 set bits and a 0, has the code of the number of samples in
 * its third byte, and at most 16 bytes (RFC 9639, section 9.1).
 */
function cutFlac(chunk: Uint8Array, isLast: boolean): number {
  const LONGEST_HEADER_BYTES = 16;
  const end = isLast ? chunk.length : Math.max(1, chunk.length - LONGEST_HEADER_BYTES);
  let samples = 0;
  for (let at = chunk.indexOf(0xff); at >= 0; at = chunk.indexOf(0xff, at + 1)) {
    if (at + 1 < chunk.length && (chunk[at + 1] & 0xfe) !== 0xf8) continue;
    if (at >= end) return at;
    samples += flacBlockSize(chunk[at + 2] >> 4);
    if (samples > FLAC_SAMPLES_AT_ONCE && at > 0) return at;
  }
  return chunk.length;
}

/** The largest number of samples that a frame with this code can have (RFC 9639, section 9.1.1). */
function flacBlockSize(code: number): number {
  if (code >= 8) return 256 << (code - 8);
  return [0, 192, 576, 1152, 2304, 4608, 256, 65_536][code];
}

/** Where to end a chunk so that few packets are decoded at once: each has a segment at least, however few bytes. */
function cutOgg(chunk: Uint8Array): number {
  let segments = 0;
  for (let at = chunk.indexOf(0x4f); at >= 0; at = chunk.indexOf(0x4f, at + 1)) {
    if (text(chunk, at, 4) !== 'OggS') continue;
    segments += chunk[at + 26] ?? 0;
    if (segments > OGG_SEGMENTS_AT_ONCE && at > 0) return at;
  }
  return chunk.length;
}

/**
 * The decoder divides by 32767 where libsndfile and so librosa divide by 32768 (in 16 bits): back to the integer, and
 * divided again. Float32 holds integers of up to 24 bits.
 */
function rescaleFlac(channels: Float32Array[], bitsPerSample: number): void {
  const fullScale = 2 ** (bitsPerSample - 1);
  if (bitsPerSample > 24) {
    return;
  }
  for (const samples of channels) {
    for (let i = 0; i < samples.length; i++) {
      samples[i] = Math.round(samples[i] * (fullScale - 1)) / fullScale;
    }
  }
}

/** Runs a synchronous decoder, whose complaints on the console and whose own mistakes say nothing to a user. */
function guarded<T>(work: () => T): T {
  const { error, warn, log } = console;
  const ignore = () => {};
  Object.assign(console, { error: ignore, warn: ignore, log: ignore });
  try {
    return work();
  } catch (cause) {
    throw new DamagedContent('its decoder gave up on it', { cause });
  } finally {
    Object.assign(console, { error, warn, log });
  }
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const fieldsAt = (bytes: Uint8Array, offset: number): number => view(bytes).getUint32(offset, true);
