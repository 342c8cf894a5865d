/** The header of one MPEG audio frame. */
export interface MpegFrame {
  kind: 'layer1' | 'layer2' | 'layer3' | 'adts';
  /** Length of the frame with its header. */
  bytes: number;
  /** Hertz. */
  sampleRate: number;
  channels: number;
  /** Samples per channel. */
  samples: number;
  /** ADTS: whether the profile is low complexity. */
  lowComplexity?: boolean;
}

const ADTS_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];
const RATES_MPEG1 = [44_100, 48_000, 32_000];
/** Kilobits per second by index, ISO/IEC 11172-3 table 2.4.2.3 and 13818-3 table 2.4.2.3. */
const BITRATES = {
  mpeg1: {
    layer1: [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    layer2: [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    layer3: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  },
  mpeg2: {
    layer1: [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    layer2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    layer3: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  },
} as const;

/** Parses the header at `offset` (ISO/IEC 11172-3 layers I–III, 13818-7 ADTS). Undefined where there is none. */
export function mpegFrame(bytes: Uint8Array, offset: number): MpegFrame | undefined {
  const [b0, b1, b2, b3] = bytes.subarray(offset, offset + 4);
  if (b0 !== 0xff || b3 === undefined) {
    return undefined;
  }
  if ((b1 & 0xf6) === 0xf0) {
    return adtsFrame(bytes, offset);
  }
  const version = (b1 >> 3) & 3; // 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
  const layerBits = (b1 >> 1) & 3;
  const rateIndex = (b2 >> 2) & 3;
  const bitrateIndex = b2 >> 4;
  if ((b1 & 0xe0) !== 0xe0 || version === 1 || layerBits === 0 || rateIndex === 3) {
    return undefined;
  }
  if (bitrateIndex === 0 || bitrateIndex === 15) {
    return undefined;
  }
  const kind = (['layer3', 'layer2', 'layer1'] as const)[layerBits - 1];
  const sampleRate = RATES_MPEG1[rateIndex] >> (version === 3 ? 0 : version === 2 ? 1 : 2);
  const bitrate = BITRATES[version === 3 ? 'mpeg1' : 'mpeg2'][kind][bitrateIndex] * 1000;
  const padding = (b2 >> 1) & 1;
  const samples = kind === 'layer1' ? 384 : kind === 'layer3' && version !== 3 ? 576 : 1152;
  const length =
    kind === 'layer1'
      ? (Math.floor((12 * bitrate) / sampleRate) + padding) * 4
      : Math.floor(((samples / 8) * bitrate) / sampleRate) + padding;
  return { kind, bytes: length, sampleRate, channels: b3 >> 6 === 3 ? 1 : 2, samples };
}

function adtsFrame(bytes: Uint8Array, offset: number): MpegFrame | undefined {
  const [, b1, b2, b3, b4, b5, b6] = bytes.subarray(offset, offset + 7);
  const sampleRate = ADTS_RATES[(b2 >> 2) & 15];
  const length = ((b3 & 3) << 11) | (b4 << 3) | (b5 >> 5);
  if (b6 === undefined || sampleRate === undefined || length < (b1 & 1 ? 7 : 9)) {
    return undefined;
  }
  const channels = ((b2 & 1) << 2) | (b3 >> 6);
  const blocks = (b6 & 3) + 1;
  return {
    kind: 'adts',
    bytes: length,
    sampleRate,
    channels: channels === 7 ? 8 : channels,
    samples: 1024 * blocks,
    lowComplexity: b2 >> 6 === 1,
  };
}
