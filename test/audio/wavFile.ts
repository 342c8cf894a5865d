/** A WAVE file built field by field, so that each of them can be wrong. */
export interface WavFields {
  /** Bytes of the data chunk. */
  data: Uint8Array;
  format?: number;
  channels?: number;
  sampleRate?: number;
  bits?: number;
  blockBytes?: number;
  /** What the data chunk claims; default: what it has. */
  dataSize?: number;
  /** Chunks before 'data', complete with their headers and padding. */
  before?: Uint8Array;
  /** Behind the data. */
  after?: Uint8Array;
  riff?: 'RIFF' | 'RF64';
  /** EXTENSIBLE with this format inside. */
  extensible?: number;
}

export function wavFile(fields: WavFields): Uint8Array {
  const { data, format = 1, channels = 1, sampleRate = 16_000, bits = 16, riff = 'RIFF' } = fields;
  const { blockBytes = (channels * bits) / 8, dataSize = data.length, extensible } = fields;
  const fmt = new DataView(new ArrayBuffer(extensible === undefined ? 16 : 40));
  fmt.setUint16(0, extensible === undefined ? format : 0xfffe, true);
  fmt.setUint16(2, channels, true);
  fmt.setUint32(4, sampleRate, true);
  fmt.setUint32(8, sampleRate * blockBytes, true);
  fmt.setUint16(12, blockBytes, true);
  fmt.setUint16(14, bits, true);
  if (extensible !== undefined) {
    fmt.setUint16(16, 22, true);
    fmt.setUint16(18, bits, true);
    fmt.setUint16(24, extensible, true);
  }
  const parts = [
    ascii('WAVE'),
    fields.before ?? new Uint8Array(0),
    chunk('fmt ', new Uint8Array(fmt.buffer)),
    chunkHeader('data', dataSize),
    data,
    fields.after ?? new Uint8Array(0),
  ];
  const body = Buffer.concat(parts);
  return Buffer.concat([chunkHeader(riff, riff === 'RF64' ? 0xffff_ffff : body.length), body]);
}

export function chunk(id: string, body: Uint8Array): Uint8Array {
  return Buffer.concat([chunkHeader(id, body.length), body, new Uint8Array(body.length % 2)]);
}

function chunkHeader(id: string, size: number): Uint8Array {
  const header = Buffer.alloc(8);
  header.write(id, 'latin1');
  header.writeUInt32LE(size, 4);
  return header;
}

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** The bytes of typed samples, little-endian as every machine that runs this is. */
export const bytesOf = (samples: ArrayBufferView): Uint8Array =>
  new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
