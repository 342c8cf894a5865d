/** Consecutive sound of all channels. */
export interface SoundBlock {
  /** One array per channel, all of the same length, about [-1, 1]. */
  channels: Float32Array[];
  /** Hertz. */
  sampleRate: number;
}

/** An opened file whose sound comes in blocks, in order. */
export interface Decoding {
  container: string;
  codec: string;
  /** Hertz, as the header says. */
  sampleRate: number;
  channels: number;
  bitsPerSample?: number;
  /** What decodes it, e.g. 'wav-decoder'. */
  decoder: string;
  /** Samples per channel that the container promises, where it does. */
  promisedLength?: number;
  /** Oddities worth telling the user, one sentence each; complete once the blocks have been read. */
  warnings: string[];
  blocks: AsyncIterable<SoundBlock>;
  /** The blocks from a sample on, where the file can be read from its middle. */
  blocksFrom?(sample: number): AsyncIterable<SoundBlock>;
}

/** Thrown where a decoder meets a variant that it cannot decode but another might. */
export class UnsupportedVariant extends Error {
  override readonly name = 'UnsupportedVariant';
}

/** Thrown where the content contradicts itself; the message completes "… is damaged: ". */
export class DamagedContent extends Error {
  override readonly name = 'DamagedContent';
}
