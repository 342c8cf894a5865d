import aacBytes from './aac/aac.wasm';
import type { AudioFile } from './audioFile.ts';
import { DamagedContent, type Decoding, type SoundBlock, UnsupportedVariant } from './decoding.ts';

/** The exports of aac/src/lib.rs. */
interface Aac {
  memory: WebAssembly.Memory;
  open(isMp4: boolean, offset: number): number;
  promised(): number;
  next(): number;
  channels(): number;
  samples(channel: number): number;
  sample_rate(): number;
  core_rate(): number;
  message(): number;
  message_length(): number;
}
const UNSUPPORTED = -2;
const MOOV = 0x6d6f_6f76;
const LONGEST_MOOV_BYTES = 16 * 2 ** 20;
const MAX_BOXES = 10_000;

/**
 * AAC-LC, HE-AAC and HE-AAC v2 in MP4 (M4A) or ADTS, by the crate syom in WebAssembly: it reaches nothing but the file
 * and 256 MiB of its own memory, and is gone with the decoding. Encoder delay and padding are cut off as an edit list
 * or iTunSMPB says. `offset` is the first ADTS frame; MP4 begins at 0. Other codecs in MP4 are an UnsupportedVariant.
 */
export async function openAac(file: AudioFile, container: 'mp4' | 'aac', offset: number): Promise<Decoding> {
  const aac = instantiate(file);
  check(
    aac,
    trapped(() => aac.open(container === 'mp4', offset)),
  );
  const promised = aac.promised();
  // The decoder knows rate and channels for certain once it has decoded.
  const first = nextBlock(aac);
  const replicated = aac.sample_rate() > aac.core_rate();
  const window = container === 'mp4' && !replicated ? await itunesWindow(file) : undefined;
  return {
    container,
    codec: replicated ? 'he-aac' : 'aac',
    sampleRate: first?.sampleRate ?? 0,
    channels: first?.channels.length ?? 0,
    decoder: 'syom',
    promisedLength: window?.length ?? (promised < 0 ? undefined : promised),
    warnings: [],
    blocks: decodeBatches(aac, file, first, window),
  };
}

/** Where the sound lies among the decoded samples: `skip` of them before it, then `length`. */
interface Window {
  skip: number;
  length: number;
}

async function* decodeBatches(
  aac: Aac,
  file: AudioFile,
  first: SoundBlock | undefined,
  { skip, length }: Window = { skip: 0, length: Number.POSITIVE_INFINITY },
): AsyncGenerator<SoundBlock> {
  let at = -skip;
  for (let block = first; block !== undefined && at < length; block = nextBlock(aac)) {
    const { channels, sampleRate } = block;
    const from = Math.max(0, -at);
    const to = Math.min(channels[0].length, length - at);
    if (from < to) {
      yield { channels: channels.map((samples) => samples.subarray(from, to)), sampleRate };
    }
    at += channels[0].length;
    await file.pause();
  }
}

/**
 * Encoder delay and length as iTunes writes them into 'moov': iTunSMPB, hexadecimal " 00000000 delay padding length".
 * Undefined where there is none or where an edit list, which the decoder heeds, says it better.
 */
async function itunesWindow(file: AudioFile): Promise<Window | undefined> {
  for (let at = 0, boxes = 0; at + 16 <= file.size && boxes < MAX_BOXES; boxes++) {
    const header = new DataView((await file.read(at, 16)).buffer);
    const size = header.getUint32(0) === 1 ? Number(header.getBigUint64(8)) : header.getUint32(0);
    if (header.getUint32(4) === MOOV && size <= LONGEST_MOOV_BYTES) {
      const moov = Buffer.from(await file.read(at, size));
      const tag = moov.indexOf('iTunSMPB', 0, 'latin1');
      const numbers = /0{8} ([0-9A-F]{8}) [0-9A-F]{8} ([0-9A-F]{16})/i.exec(
        tag < 0 || moov.includes('elst', 0, 'latin1') ? '' : moov.toString('latin1', tag, tag + 200),
      );
      return numbers === null
        ? undefined
        : { skip: Number.parseInt(numbers[1], 16), length: Number.parseInt(numbers[2], 16) };
    }
    if (size < 8) {
      return undefined;
    }
    at += size;
  }
  return undefined;
}

function nextBlock(aac: Aac): SoundBlock | undefined {
  const length = trapped(() => aac.next());
  check(aac, length);
  if (length === 0) {
    return undefined;
  }
  const channels = Array.from({ length: aac.channels() }, (_, channel) =>
    new Float32Array(aac.memory.buffer, aac.samples(channel), length).slice(),
  );
  return { channels, sampleRate: aac.sample_rate() };
}

function check(aac: Aac, result: number): void {
  if (result >= 0) {
    return;
  }
  const message = new TextDecoder().decode(
    new Uint8Array(aac.memory.buffer, aac.message(), aac.message_length()),
  );
  throw result === UNSUPPORTED ? new UnsupportedVariant(message) : new DamagedContent(message);
}

/** A trap leaves the instance in no state to go on, and this decoding ends with it. */
function trapped<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) {
      throw new DamagedContent(`its AAC decoder gave up (${error.message})`);
    }
    throw error;
  }
}

let compiled: WebAssembly.Module | undefined;

function instantiate(file: AudioFile): Aac {
  compiled ??= new WebAssembly.Module(aacBytes);
  const instance = new WebAssembly.Instance(compiled, {
    file: {
      read: (offset: number, pointer: number, length: number): number =>
        file.readNow(new Uint8Array(aac.memory.buffer, pointer, length), offset),
      size: (): number => file.size,
    },
  });
  const aac = instance.exports as unknown as Aac;
  return aac;
}
