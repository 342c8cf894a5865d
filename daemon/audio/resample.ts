import soxrBytes from './soxr/soxr.wasm';

/** The exports of soxr/resampler.c; pointers and lengths are plain numbers. */
interface Soxr {
  memory: WebAssembly.Memory;
  _initialize(): void;
  create(inputRate: number, outputRate: number): number;
  process(stream: number, input: number, count: number, output: number, capacity: number): number;
  used(): number;
  allocate(bytes: number): number;
  release(pointer: number): void;
  destroy(stream: number): void;
}

const BLOCK = 16_384;
const BYTES = Float32Array.BYTES_PER_ELEMENT;

/** What a resampler hands its output to; the view is only valid during the call. */
export type SampleSink = (samples: Float32Array) => void;

/**
 * Band-limited sample rate conversion of one mono stream by libsoxr at its quality HQ: linear phase, pass band to
 * 0.913 of the lower Nyquist frequency, stop band −120 dB. The same library and quality as librosa's default.
 */
export class Resampler {
  readonly #soxr: Soxr;
  readonly #stream: number;
  readonly #input: number;
  readonly #output: number;

  /** Rates in hertz. */
  constructor(
    fromRate: number,
    toRate: number,
    private readonly sink: SampleSink,
  ) {
    // An instance per stream: its memory goes when the stream goes, and nothing leaks from one file into the next.
    this.#soxr = instantiate();
    this.#stream = this.#soxr.create(fromRate, toRate);
    this.#input = this.#soxr.allocate(BLOCK * BYTES);
    this.#output = this.#soxr.allocate(BLOCK * BYTES);
    if (this.#stream === 0 || this.#input === 0 || this.#output === 0) {
      throw new RangeError(`Cannot resample from ${fromRate} Hz to ${toRate} Hz.`);
    }
  }

  push(samples: Float32Array): void {
    for (let from = 0; from < samples.length; from += BLOCK) {
      const block = samples.subarray(from, from + BLOCK);
      new Float32Array(this.#soxr.memory.buffer, this.#input, block.length).set(block);
      for (let done = 0; done < block.length; ) {
        this.#process(this.#input + done * BYTES, block.length - done);
        done += this.#soxr.used();
      }
    }
  }

  /** Delivers what the filter still holds. Nothing may be pushed afterwards. */
  finish(): void {
    while (this.#process(0, 0) > 0) {}
  }

  #process(input: number, count: number): number {
    const produced = this.#soxr.process(this.#stream, input, count, this.#output, BLOCK);
    if (produced < 0) {
      throw new Error('The resampler failed.');
    }
    if (produced > 0) {
      this.sink(new Float32Array(this.#soxr.memory.buffer, this.#output, produced));
    }
    return produced;
  }
}

/** Number of samples after resampling, as librosa counts: ceil(length · toRate / fromRate). */
export const resampledLength = (length: number, fromRate: number, toRate: number): number =>
  Math.ceil((length * toRate) / fromRate);

/**
 * `samples` at another rate, ceil(length · toRate / fromRate) of them. Rates in hertz. Equal rates: the input itself.
 */
export function resample(samples: Float32Array, fromRate: number, toRate: number): Float32Array {
  if (fromRate === toRate) {
    return samples;
  }
  const output = new Float32Array(resampledLength(samples.length, fromRate, toRate));
  let length = 0;
  const resampler = new Resampler(fromRate, toRate, (piece) => {
    const fitting = piece.subarray(0, output.length - length);
    output.set(fitting, length);
    length += fitting.length;
  });
  resampler.push(samples);
  resampler.finish();
  return output;
}

let compiled: WebAssembly.Module | undefined;

function instantiate(): Soxr {
  compiled ??= new WebAssembly.Module(soxrBytes);
  const soxr = new WebAssembly.Instance(compiled).exports as unknown as Soxr;
  soxr._initialize();
  return soxr;
}
