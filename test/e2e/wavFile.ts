import { writeFileSync } from 'node:fs';
import { wavHeader } from '../../daemon/audio/wavHeader.ts';

const SAMPLE_RATE = 16_000;

/** Writes a mono WAV of 64-bit floats, which the daemon reads and browsers do not: a hum with beats. */
export function writeFloat64Wav(path: string, seconds: number): void {
  const data = Buffer.alloc(8 * SAMPLE_RATE * seconds);
  for (let i = 0; i < SAMPLE_RATE * seconds; i++) {
    const t = i / SAMPLE_RATE;
    const sample =
      0.3 * Math.sin(2 * Math.PI * (200 + 40 * Math.sin(t)) * t) * Math.sin(Math.PI * 1.3 * t) ** 2;
    data.writeDoubleLE(sample, 8 * i);
  }
  const header = wavHeader(data.length, SAMPLE_RATE, { bytesPerSample: 8, float: true });
  writeFileSync(path, Buffer.concat([header, data]));
}
