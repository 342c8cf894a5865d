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
  return {
    container,
    codec: aac.sample_rate() > aac.core_rate() ? 'he-aac' : 'aac',
    sampleRate: first?.sampleRate ?? 0,
    channels: first?.channels.length ?? 0,
    decoder: 'syom',
    promisedLength: promised < 0 ? undefined : promised,
    warnings: [],
    blocks: decodeBatches(aac, file, first),
  };
}

async function* decodeBatches(
  aac: Aac,
  file: AudioFile,
  first: SoundBlock | undefined,
): AsyncGenerator<SoundBlock> {
  for (let block = first; block !== undefined; block = nextBlock(aac)) {
    yield block;
    await file.pause();
  }
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
