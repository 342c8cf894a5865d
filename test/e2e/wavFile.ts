import { writeFileSync } from 'node:fs';

const SAMPLE_RATE = 16_000;
const IEEE_FLOAT = 3;

/** Writes a mono WAV of 64-bit floats, which the daemon reads and browsers do not: a hum with beats. */
export function writeFloat64Wav(path: string, seconds: number): void {
  const dataBytes = 8 * SAMPLE_RATE * seconds;
  const wav = Buffer.alloc(44 + dataBytes);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + dataBytes, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(IEEE_FLOAT, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(SAMPLE_RATE, 24);
  wav.writeUInt32LE(8 * SAMPLE_RATE, 28);
  wav.writeUInt16LE(8, 32);
  wav.writeUInt16LE(64, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(dataBytes, 40);
  for (let i = 0; i < SAMPLE_RATE * seconds; i++) {
    const t = i / SAMPLE_RATE;
    const sample =
      0.3 * Math.sin(2 * Math.PI * (200 + 40 * Math.sin(t)) * t) * Math.sin(Math.PI * 1.3 * t) ** 2;
    wav.writeDoubleLE(sample, 44 + 8 * i);
  }
  writeFileSync(path, wav);
}
