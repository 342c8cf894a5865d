import { writeSync } from 'node:fs';
import type { SampleReceiver } from './loadAudio.ts';

export const BYTES_PER_SAMPLE = 2;
const FULL_SCALE = 32767;
/** Samples written at once: four seconds at 16 kHz. */
const WRITTEN_AT_ONCE = 64_000;

/** Samples in [−1, 1] as 16-bit little-endian integers; what is louder is clipped. */
export function pcm16(samples: Float32Array): Buffer {
  const pcm = Buffer.allocUnsafe(samples.length * BYTES_PER_SAMPLE);
  samples.forEach((sample, i) => {
    pcm.writeInt16LE(Math.round(Math.max(-1, Math.min(1, sample)) * FULL_SCALE), i * BYTES_PER_SAMPLE);
  });
  return pcm;
}

/** Writes sound into an open file from its beginning on, while it comes, and tells how many samples there are. */
export class PcmWriter implements SampleReceiver {
  private readonly waiting = new Float32Array(WRITTEN_AT_ONCE);
  private waitingLength = 0;
  private written = 0;

  constructor(
    private readonly target: number,
    private readonly onLength: (samples: number) => void,
  ) {}

  push(samples: Float32Array): void {
    for (let rest = samples; rest.length > 0; ) {
      const part = rest.subarray(0, this.waiting.length - this.waitingLength);
      this.waiting.set(part, this.waitingLength);
      this.waitingLength += part.length;
      rest = rest.subarray(part.length);
      if (this.waitingLength === this.waiting.length) this.write();
    }
  }

  async ready(): Promise<void> {}

  /** `length` differs from what was pushed by a few samples at most; missing ones are left out. */
  finish(length: number): void {
    this.waitingLength = Math.max(0, Math.min(this.waitingLength, length - this.written));
    this.write();
  }

  private write(): void {
    const pcm = pcm16(this.waiting.subarray(0, this.waitingLength));
    const start = this.written * BYTES_PER_SAMPLE;
    for (let done = 0; done < pcm.length; ) {
      done += writeSync(this.target, pcm, done, pcm.length - done, start + done);
    }
    this.written += this.waitingLength;
    this.waitingLength = 0;
    this.onLength(this.written);
  }
}
