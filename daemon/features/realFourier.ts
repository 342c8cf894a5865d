import createPffft, { type Pffft } from '@echogarden/pffft-wasm/simd';
import wasmBinary from '../../node_modules/@echogarden/pffft-wasm/dist/simd/pffft.wasm';

const REAL = 0;
const FORWARD = 0;
const BYTES_PER_FLOAT = 4;

let modulePromise: Promise<Pffft> | undefined;

/** Forward Fourier transform of real signals of one length, in single precision (pffft, WebAssembly SIMD). */
export class RealFourier {
  private constructor(
    private readonly pffft: Pffft,
    private readonly setup: number,
    private readonly inputPointer: number,
    private readonly outputPointer: number,
    private readonly workPointer: number,
    readonly size: number,
  ) {}

  /** `size` is a power of two ≥ 32. */
  static async create(size: number): Promise<RealFourier> {
    modulePromise ??= createPffft({ wasmBinary });
    const pffft = await modulePromise;
    const allocate = () => pffft._pffft_aligned_malloc(size * BYTES_PER_FLOAT);
    return new RealFourier(
      pffft,
      pffft._pffft_new_setup(size, REAL),
      allocate(),
      allocate(),
      allocate(),
      size,
    );
  }

  /** Where the signal goes: `size` floats. Valid until the next `create`. */
  get input(): Float32Array {
    const start = this.inputPointer / BYTES_PER_FLOAT;
    return this.pffft.HEAPF32.subarray(start, start + this.size);
  }

  /** The spectrum of `input`: [Re 0, Re size/2, Re 1, Im 1, Re 2, Im 2, …]. Valid until the next `create`. */
  get output(): Float32Array {
    const start = this.outputPointer / BYTES_PER_FLOAT;
    return this.pffft.HEAPF32.subarray(start, start + this.size);
  }

  transform(): void {
    this.pffft._pffft_transform_ordered(
      this.setup,
      this.inputPointer,
      this.outputPointer,
      this.workPointer,
      FORWARD,
    );
  }
}
