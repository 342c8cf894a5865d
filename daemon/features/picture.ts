import type { SpectrogramImage, WaveformImage } from '../../shared/verdict.ts';
import { frameCount } from './featureConfig.ts';
import type { LogSpectrogram } from './logSpectrogram.ts';

/** Decibels that the bytes of a picture stand for: byte = (decibels − QUIETEST_DB) / DB_PER_BYTE. */
const QUIETEST_DB = -100;
const DB_PER_BYTE = 0.6;
const MINIMUM_POWER = 1e-10;
/** What lies further below the loudest point is drawn like this. */
const DYNAMIC_RANGE_DB = 80;
/** Samples behind one lowest and one highest value of the waveform. */
const SAMPLES_PER_PEAK = 64;
/** Frames that are worth a call. */
const FRAMES_AT_ONCE = 32;

/** A file's loudness over time and frequency and its waveform, at full resolution. */
export interface Picture {
  bands: number;
  columns: number;
  /** Column after column, lowest band first. */
  loudness: Uint8Array;
  /** Centre of each band in hertz. */
  frequencies: number[];
  /** Seconds from one column to the next; column c is centred at c · secondsPerColumn. */
  secondsPerColumn: number;
  /** Lowest and highest sample of each 64, ±127 for full scale. */
  peaks: Int8Array;
  secondsPerPeak: number;
  /** Largest absolute sample; 1 is full scale. */
  peak: number;
}

/** Draws sound while it comes, and holds little more than one Fourier window of it. */
export class PictureStream {
  private readonly loudness = new ByteList();
  private readonly peaks = new ByteList();
  private buffer = new Float32Array(1 << 16);
  /** Position in the sound of the buffer's first sample, and the number of samples that have come. */
  private base = 0;
  private end = 0;
  private columns = 0;
  private peak = 0;
  private peakCount = 0;
  private lowest = 0;
  private highest = 0;

  constructor(private readonly spectrogram: LogSpectrogram) {}

  push(samples: Float32Array): void {
    this.addPeaks(samples);
    this.append(samples);
    const { hopLength, nFft } = this.spectrogram.config;
    const complete = Math.floor((this.end - nFft / 2) / hopLength) + 1 - this.columns;
    if (complete >= FRAMES_AT_ONCE) this.addColumns(complete);
  }

  /** The picture of the sound, which is `length` samples long. */
  finish(length: number): Picture {
    if (length > this.end) this.push(new Float32Array(length - this.end));
    this.end = length;
    const columns = frameCount(this.spectrogram.config, length);
    if (columns > this.columns) this.addColumns(columns - this.columns);
    if (this.peakCount > 0) this.endPeak();
    return this.current;
  }

  /** What has been drawn so far; it shares memory with this object. */
  get current(): Picture {
    const { nMels, hopLength, sampleRate } = this.spectrogram.config;
    const peaks = this.peaks.bytes;
    return {
      bands: nMels,
      columns: this.columns,
      loudness: this.loudness.bytes,
      frequencies: Array.from(this.spectrogram.frequencies),
      secondsPerColumn: hopLength / sampleRate,
      peaks: new Int8Array(peaks.buffer, peaks.byteOffset, peaks.length),
      secondsPerPeak: SAMPLES_PER_PEAK / sampleRate,
      peak: this.peak,
    };
  }

  private append(samples: Float32Array): void {
    const held = this.end - this.base;
    if (held + samples.length > this.buffer.length) {
      const longer = new Float32Array(2 * (held + samples.length));
      longer.set(this.buffer.subarray(0, held));
      this.buffer = longer;
    }
    this.buffer.set(samples, held);
    this.end += samples.length;
  }

  private addColumns(count: number): void {
    const { hopLength, nFft, nMels } = this.spectrogram.config;
    const sound = this.buffer.subarray(0, this.end - this.base);
    const powers = this.spectrogram.powers(sound, this.columns * hopLength - this.base, count);
    const bytes = new Uint8Array(powers.length);
    for (let band = 0; band < nMels; band++) {
      for (let column = 0; column < count; column++) {
        const decibels = 10 * Math.log10(Math.max(powers[band * count + column], MINIMUM_POWER));
        bytes[column * nMels + band] = Math.min(255, Math.round((decibels - QUIETEST_DB) / DB_PER_BYTE));
      }
    }
    this.loudness.push(bytes);
    this.columns += count;
    const needed = Math.min(this.end, Math.max(this.base, this.columns * hopLength - nFft / 2));
    this.buffer.copyWithin(0, needed - this.base, this.end - this.base);
    this.base = needed;
  }

  private addPeaks(samples: Float32Array): void {
    for (let i = 0; i < samples.length; i++) {
      const sample = samples[i];
      if (sample < this.lowest) this.lowest = sample;
      if (sample > this.highest) this.highest = sample;
      if (++this.peakCount === SAMPLES_PER_PEAK) this.endPeak();
    }
  }

  private endPeak(): void {
    this.peak = Math.max(this.peak, -this.lowest, this.highest);
    this.peaks.push(Int8Array.of(signedByte(this.lowest), signedByte(this.highest)));
    this.lowest = 0;
    this.highest = 0;
    this.peakCount = 0;
  }
}

const signedByte = (sample: number): number => Math.round(127 * Math.max(-1, Math.min(1, sample)));

/** Bytes in a buffer that doubles when it is full. */
class ByteList {
  private buffer = new Uint8Array(1 << 14);
  private length = 0;

  push(bytes: Uint8Array | Int8Array): void {
    const length = this.length + bytes.length;
    if (length > this.buffer.length) {
      const longer = new Uint8Array(2 * length);
      longer.set(this.bytes);
      this.buffer = longer;
    }
    this.buffer.set(bytes, this.length);
    this.length = length;
  }

  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }
}

/**
 * What lies between two times, in seconds, for drawing in at most `most` columns: of columns that share one, the loudest
 * counts. Loudness is in decibels relative to the loudest point of the whole picture, in [−80, 0].
 */
export function spectrogramBetween(
  picture: Picture,
  start: number,
  end: number,
  most: number,
): SpectrogramImage {
  const { bands, loudness, frequencies, secondsPerColumn } = picture;
  const { from, together, count } = cut(start, end, secondsPerColumn, picture.columns, most);
  const toByte = relativeBytes(loudness);
  const bytes = Buffer.alloc(bands * count);
  for (let column = 0; column < count; column++) {
    const first = from + column * together;
    const last = Math.min(picture.columns, first + together);
    for (let band = 0; band < bands; band++) {
      let loudest = 0;
      for (let c = first; c < last; c++) loudest = Math.max(loudest, loudness[c * bands + band]);
      bytes[band * count + column] = toByte[loudest];
    }
  }
  return {
    rows: bands,
    columns: count,
    minimum: -DYNAMIC_RANGE_DB,
    maximum: 0,
    data: bytes.toString('base64'),
    frequencies,
    start: (from + (together - 1) / 2) * secondsPerColumn,
    secondsPerColumn: together * secondsPerColumn,
    unit: 'dB',
  };
}

/** Bytes of an image, by the bytes of the picture. */
function relativeBytes(loudness: Uint8Array): Uint8Array {
  let loudest = 0;
  for (let i = 0; i < loudness.length; i++) if (loudness[i] > loudest) loudest = loudness[i];
  return Uint8Array.from({ length: 256 }, (_, byte) => {
    const decibels = Math.max(-DYNAMIC_RANGE_DB, (byte - loudest) * DB_PER_BYTE);
    return Math.min(255, Math.round((255 * (decibels + DYNAMIC_RANGE_DB)) / DYNAMIC_RANGE_DB));
  });
}

/** The waveform between two times, in seconds, in at most `most` columns of a lowest and a highest sample each. */
export function waveformBetween(picture: Picture, start: number, end: number, most: number): WaveformImage {
  const { peaks, secondsPerPeak } = picture;
  const { from, together, count } = cut(start, end, secondsPerPeak, peaks.length / 2, most);
  const bytes = new Int8Array(2 * count);
  for (let column = 0; column < count; column++) {
    const first = 2 * (from + column * together);
    const last = Math.min(peaks.length, first + 2 * together);
    for (let i = first; i < last; i += 2) {
      bytes[2 * column] = Math.min(bytes[2 * column], peaks[i]);
      bytes[2 * column + 1] = Math.max(bytes[2 * column + 1], peaks[i + 1]);
    }
  }
  return {
    columns: count,
    start: from * secondsPerPeak,
    secondsPerColumn: together * secondsPerPeak,
    peaks: Buffer.from(bytes.buffer).toString('base64'),
  };
}

export interface Cut {
  /** First column, columns that become one, and the number of those. */
  from: number;
  together: number;
  count: number;
}

/** Which columns cover the time from `start` to `end`, and how many must become one for there to be at most `most`. */
export function cut(
  start: number,
  end: number,
  secondsPerColumn: number,
  columns: number,
  most: number,
): Cut {
  const from = Math.min(Math.max(0, Math.floor(start / secondsPerColumn)), Math.max(0, columns - 1));
  const to = Math.min(columns, Math.ceil(end / secondsPerColumn) + 1);
  const wanted = Math.max(1, to - from);
  const together = Math.ceil(wanted / most);
  return { from, together, count: Math.ceil(wanted / together) };
}
