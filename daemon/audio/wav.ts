import wavDecoder from 'wav-decoder';
import type { AudioFile } from './audioFile.ts';
import { DamagedContent, type Decoding, type SoundBlock, UnsupportedVariant } from './decoding.ts';
import { text } from './sniff.ts';
import { FORMAT_FLOAT, FORMAT_PCM, WAV_HEADER_BYTES, wavHeader } from './wavHeader.ts';

const FORMAT_A_LAW = 6;
const FORMAT_MU_LAW = 7;
const FORMAT_EXTENSIBLE = 0xfffe;
/** A size that a streaming writer could not fill in afterwards. */
const UNKNOWN_SIZE = 0xffff_ffff;
const FRAMES_PER_BLOCK = 65_536;
const MAX_SAMPLE_RATE = 768_000;
const MAX_CHANNELS = 256;
const MAX_CHUNKS = 10_000;
/** Some writers count their own header into the data; less than this is not missing sound. */
const TOLERATED_MISSING_BYTES = 64;

/** What the chunks of a WAVE file say. */
interface WaveLayout {
  /** Format tag with EXTENSIBLE resolved. */
  format: number;
  channels: number;
  sampleRate: number;
  /** Bytes of one sample in the file. */
  sampleBytes: number;
  bitsPerSample: number;
  dataOffset: number;
  dataBytes: number;
  warnings: string[];
}

/**
 * Opens a RIFF, RF64 or BW64 WAVE file. The chunks are read and validated here; the samples go to wav-decoder behind
 * a plain 44-byte header, in one of the three encodings that it reads as librosa does: 16 and 32 bit integers scaled by
 * a power of two, and floats. (By itself it rejects EXTENSIBLE and G.711, loops for ever on 0 channels, turns the
 * lowest 24-bit value positive and scales 8 bit by 127.5.)
 */
export async function openWav(file: AudioFile, offset: number): Promise<Decoding> {
  const layout = await readLayout(file, offset);
  const { format, channels, sampleRate, bitsPerSample, dataBytes, sampleBytes } = layout;
  return {
    container: 'wav',
    codec: codecName(layout),
    sampleRate,
    channels,
    bitsPerSample: format === FORMAT_A_LAW || format === FORMAT_MU_LAW ? 8 : bitsPerSample,
    decoder: 'wav-decoder',
    promisedLength: Math.floor(dataBytes / (sampleBytes * channels)),
    warnings: layout.warnings,
    blocks: decodeBlocks(file, layout),
    blocksFrom: (sample) => decodeBlocks(file, layout, sample),
  };
}

async function readLayout(file: AudioFile, offset: number): Promise<WaveLayout> {
  const form = text(await file.read(offset, 4), 0, 4);
  if (form === 'RIFX') {
    throw new UnsupportedVariant('big-endian WAVE');
  }
  let format: Uint8Array | undefined;
  let longDataBytes: number | undefined;
  let chunks = 0;
  for (let at = offset + 12; at + 8 <= file.size; ) {
    if (++chunks > MAX_CHUNKS) {
      throw new DamagedContent(`it has more than ${MAX_CHUNKS} chunks before its sound`);
    }
    const header = await file.read(at, 8);
    const id = text(header, 0, 4);
    let size = view(header).getUint32(4, true);
    const body = at + 8;
    if (id === 'ds64') {
      const ds64 = view(await file.read(body, 16));
      longDataBytes = ds64.byteLength === 16 ? Number(ds64.getBigUint64(8, true)) : undefined;
    } else if (id === 'fmt ') {
      format = await file.read(body, Math.min(size, 40));
    } else if (id === 'data') {
      if (format === undefined) {
        throw new DamagedContent('its sound comes before the description of its format');
      }
      if (size === UNKNOWN_SIZE && longDataBytes !== undefined) {
        size = longDataBytes;
      }
      return await describe(file, format, body, size);
    }
    at = body + size + (size & 1);
  }
  throw new DamagedContent(
    format === undefined ? 'it has no description of its format' : 'it ends before its sound begins',
  );
}

async function describe(
  file: AudioFile,
  fmt: Uint8Array,
  dataOffset: number,
  size: number,
): Promise<WaveLayout> {
  if (fmt.length < 16) {
    throw new DamagedContent('the description of its format is cut off');
  }
  const fields = view(fmt);
  const channels = fields.getUint16(2, true);
  const sampleRate = fields.getUint32(4, true);
  const blockBytes = fields.getUint16(12, true);
  let format = fields.getUint16(0, true);
  let bitsPerSample = fields.getUint16(14, true);
  if (format === FORMAT_EXTENSIBLE && fmt.length >= 26) {
    bitsPerSample = fields.getUint16(18, true) || bitsPerSample;
    format = fields.getUint16(24, true);
  }
  if (channels === 0 || channels > MAX_CHANNELS) {
    throw new DamagedContent(`its header says ${channels} channels`);
  }
  if (sampleRate === 0 || sampleRate > MAX_SAMPLE_RATE) {
    throw new DamagedContent(`its header says a sample rate of ${sampleRate} Hz`);
  }
  const sampleBytes = Math.ceil(fields.getUint16(14, true) / 8);
  const layout = { format, channels, sampleRate, sampleBytes, bitsPerSample, dataOffset };
  requireReadable(layout);
  if (blockBytes !== sampleBytes * channels) {
    throw new DamagedContent(
      `its header says ${blockBytes} bytes for ${channels} samples of ${sampleBytes * 8} bits`,
    );
  }
  const warnings: string[] = [];
  const available = file.size - dataOffset;
  let dataBytes = size;
  if (size === UNKNOWN_SIZE || (size === 0 && !(await isChunkBoundary(file, dataOffset)))) {
    dataBytes = available;
    warnings.push('The header does not say how long the sound is; it was read to the end of the file.');
  } else if (size > available) {
    if (size - available > TOLERATED_MISSING_BYTES) {
      const seconds = (bytes: number) => (bytes / blockBytes / sampleRate).toFixed(2);
      throw new DamagedContent(
        `it is cut off: ${seconds(size)} s of sound are promised and ${seconds(available)} s are there`,
      );
    }
    dataBytes = available;
    warnings.push(`The header promises ${size - available} bytes more than the file has.`);
  }
  return { ...layout, dataBytes: dataBytes - (dataBytes % blockBytes), warnings };
}

function requireReadable({ format, sampleBytes }: Pick<WaveLayout, 'format' | 'sampleBytes'>): void {
  const widths: Record<number, number[]> = {
    [FORMAT_PCM]: [1, 2, 3, 4],
    [FORMAT_FLOAT]: [4, 8],
    [FORMAT_A_LAW]: [1],
    [FORMAT_MU_LAW]: [1],
  };
  if (widths[format] === undefined) {
    throw new UnsupportedVariant(`WAVE format 0x${format.toString(16)}`);
  }
  if (!widths[format].includes(sampleBytes)) {
    throw new DamagedContent(`its header says samples of ${sampleBytes * 8} bits`);
  }
}

/** Whether an empty data chunk is meant: nothing or another chunk follows. */
async function isChunkBoundary(file: AudioFile, offset: number): Promise<boolean> {
  if (offset >= file.size) {
    return true;
  }
  const header = await file.read(offset, 8);
  return (
    header.length === 8 &&
    /^[\x20-\x7e]{4}$/.test(text(header, 0, 4)) &&
    offset + 8 + view(header).getUint32(4, true) <= file.size
  );
}

async function* decodeBlocks(file: AudioFile, layout: WaveLayout, first = 0): AsyncGenerator<SoundBlock> {
  const blockBytes = layout.sampleBytes * layout.channels;
  const step = Math.max(1, Math.floor(FRAMES_PER_BLOCK / layout.channels)) * blockBytes;
  const end = layout.dataOffset + layout.dataBytes;
  for (let at = layout.dataOffset + first * blockBytes; at < end; at += step) {
    const wanted = Math.min(step, end - at);
    const plain = plainEncoding(layout);
    const buffer = new ArrayBuffer(WAV_HEADER_BYTES + (wanted / layout.sampleBytes) * plain.bytes);
    const body = new Uint8Array(buffer, WAV_HEADER_BYTES);
    const raw = plain.bytes === layout.sampleBytes ? body : new Uint8Array(wanted);
    if ((await file.readInto(raw, at)) < wanted) {
      throw new DamagedContent('it became shorter while it was read');
    }
    plain.convert?.(raw, body);
    const { sampleRate, channels } = layout;
    const encoding = { channels, bytesPerSample: plain.bytes, float: plain.float };
    new Uint8Array(buffer).set(wavHeader(body.length, sampleRate, encoding));
    // `symmetric` is wav-decoder's name for dividing by 32768 and 2147483648, as libsndfile does.
    const { channelData } = wavDecoder.decode.sync(buffer, { symmetric: true });
    yield { channels: channelData, sampleRate };
  }
}

/** An encoding that wav-decoder reads faithfully, and how to get there. */
interface PlainEncoding {
  float: boolean;
  bytes: number;
  convert?: (raw: Uint8Array, plain: Uint8Array) => void;
}

function plainEncoding({ format, sampleBytes }: WaveLayout): PlainEncoding {
  if (format === FORMAT_FLOAT) {
    return { float: true, bytes: sampleBytes };
  }
  if (format === FORMAT_A_LAW || format === FORMAT_MU_LAW) {
    const table = format === FORMAT_A_LAW ? aLawTable() : muLawTable();
    return { float: false, bytes: 2, convert: (raw, plain) => toInt16(raw, plain, (byte) => table[byte]) };
  }
  switch (sampleBytes) {
    case 1:
      return {
        float: false,
        bytes: 2,
        convert: (raw, plain) => toInt16(raw, plain, (byte) => (byte - 128) << 8),
      };
    case 3:
      return { float: false, bytes: 4, convert: widen24 };
    default:
      return { float: false, bytes: sampleBytes };
  }
}

function toInt16(raw: Uint8Array, plain: Uint8Array, value: (byte: number) => number): void {
  const output = view(plain);
  for (let i = 0; i < raw.length; i++) {
    output.setInt16(2 * i, value(raw[i]), true);
  }
}

/** 24-bit integers as the upper bytes of 32-bit ones: the same value relative to full scale. */
function widen24(raw: Uint8Array, plain: Uint8Array): void {
  for (let from = 0, to = 0; from < raw.length; from += 3, to += 4) {
    plain[to + 1] = raw[from];
    plain[to + 2] = raw[from + 1];
    plain[to + 3] = raw[from + 2];
  }
}

/** ITU-T G.711 A-law to 16 bits. */
function aLawTable(): Int16Array {
  return Int16Array.from({ length: 256 }, (_, code) => {
    const bits = code ^ 0x55;
    const exponent = (bits >> 4) & 7;
    const mantissa = ((bits & 15) << 4) + 8;
    const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
    return bits & 0x80 ? magnitude : -magnitude;
  });
}

/** ITU-T G.711 µ-law to 16 bits. */
function muLawTable(): Int16Array {
  const BIAS = 0x84;
  return Int16Array.from({ length: 256 }, (_, code) => {
    const bits = ~code & 0xff;
    const magnitude = ((((bits & 15) << 3) + BIAS) << ((bits >> 4) & 7)) - BIAS;
    return bits & 0x80 ? -magnitude : magnitude;
  });
}

function codecName({ format, sampleBytes }: WaveLayout): string {
  switch (format) {
    case FORMAT_FLOAT:
      return `pcm_f${sampleBytes * 8}`;
    case FORMAT_A_LAW:
      return 'pcm_alaw';
    case FORMAT_MU_LAW:
      return 'pcm_mulaw';
    default:
      return sampleBytes === 1 ? 'pcm_u8' : `pcm_s${sampleBytes * 8}`;
  }
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
