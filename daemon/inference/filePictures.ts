import type { Pictures } from '../../shared/verdict.ts';
import { type Picture, spectrogramBetween, waveformBetween } from '../features/picture.ts';
import { type EvidenceGeometry, evidenceBetween, type FileEvidence } from './evidence.ts';

/** Columns of a picture: as many as a large screen shows. */
const MOST_COLUMNS = 2000;

/** What can be drawn of a file, at full resolution, from which parts are taken for the screen. */
export class FilePictures {
  constructor(
    private readonly picture: Picture,
    private readonly evidence: FileEvidence,
    private readonly geometry: EvidenceGeometry,
  ) {}

  /** The pictures of the time between two positions in seconds. */
  between(start: number, end: number): Pictures {
    return {
      spectrogram: spectrogramBetween(this.picture, start, end, MOST_COLUMNS),
      waveform: waveformBetween(this.picture, start, end, MOST_COLUMNS),
      evidence: evidenceBetween(this.evidence, this.geometry, start, end, MOST_COLUMNS),
    };
  }

  /** Memory that they take. */
  get bytes(): number {
    return this.picture.loudness.length + this.picture.peaks.length + this.evidence.map.byteLength;
  }
}

/** Pictures of the files whose reports were opened last, within a limit of memory; the last one is always kept. */
export class PictureCache {
  /** In the order of their use. */
  private readonly files = new Map<string, FilePictures>();

  constructor(private readonly limitBytes: number) {}

  get(file: string): FilePictures | undefined {
    const pictures = this.files.get(file);
    if (pictures !== undefined) this.put(file, pictures);
    return pictures;
  }

  put(file: string, pictures: FilePictures): void {
    this.files.delete(file);
    this.files.set(file, pictures);
    let bytes = [...this.files.values()].reduce((sum, held) => sum + held.bytes, 0);
    for (const [oldest, held] of this.files) {
      if (bytes <= this.limitBytes || oldest === file) break;
      this.files.delete(oldest);
      bytes -= held.bytes;
    }
  }
}
