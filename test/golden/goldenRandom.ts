/** Random numbers that golden_random.py draws too, to the bit: xorshift32 (Marsaglia, 2003). */
export class GoldenRandom {
  private state: number;

  constructor(seed: number) {
    this.state = (Math.imul(seed, 0x9e3779b1) + 1) >>> 0 || 1;
    for (let i = 0; i < 16; i++) this.uniform();
  }

  /** A multiple of 2⁻²³ in [−1, 1). */
  uniform(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x >>> 0;
    return (this.state >>> 8) / 2 ** 23 - 1;
  }

  /** float32 values offset + scale · u. */
  array(count: number, scale = 1, offset = 0): Float32Array {
    return Float32Array.from({ length: count }, () => offset + scale * this.uniform());
  }
}

/** Decodes base64 of little-endian float32 values. */
export function floatsFromBase64(text: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);
}
