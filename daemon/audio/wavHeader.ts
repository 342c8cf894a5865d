export const WAV_HEADER_BYTES = 44;

// Format tags of RIFF/WAVE (Microsoft, mmreg.h).
export const FORMAT_PCM = 1;
export const FORMAT_FLOAT = 3;

const FMT_CHUNK_BYTES = 16;

/** The plain 44-byte header of a RIFF/WAVE file with `dataBytes` of little-endian samples behind it: integers, or floats where `float`. */
export function wavHeader(
  dataBytes: number,
  sampleRate: number,
  { channels = 1, bytesPerSample = 2, float = false } = {},
): Buffer {
  const blockBytes = channels * bytesPerSample;
  const header = Buffer.alloc(WAV_HEADER_BYTES);
  header.write('RIFF', 0);
  header.writeUInt32LE(WAV_HEADER_BYTES - 8 + dataBytes, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(FMT_CHUNK_BYTES, 16);
  header.writeUInt16LE(float ? FORMAT_FLOAT : FORMAT_PCM, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * blockBytes, 28);
  header.writeUInt16LE(blockBytes, 32);
  header.writeUInt16LE(8 * bytesPerSample, 34);
  header.write('data', 36);
  header.writeUInt32LE(dataBytes, 40);
  return header;
}
