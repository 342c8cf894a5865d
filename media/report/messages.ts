import type { Verdict } from '../../shared/verdict.ts';

/** What the extension tells the report. */
export type ToReport =
  /** Sent first, and again when another detection begins. */
  | { type: 'detecting'; file: FileNames }
  | { type: 'verdict'; verdict: Verdict; audioUri: string }
  | { type: 'failure'; message: string }
  /** The file's sound as a base64 WAV, for players that cannot read the original. */
  | { type: 'playable'; wav: string; duration: number }
  | { type: 'notPlayable'; message: string };

/** What the report asks of the extension. */
export type FromReport =
  /** The report can receive messages. */
  { type: 'ready' } | { type: 'retry' } | { type: 'copyJson' } | { type: 'needPlayable' };

export interface FileNames {
  /** The file's own name. */
  name: string;
  /** Its folder as the explorer shows it, or its path where it is in no workspace. */
  folder: string;
  /** Its URI, by which the report is restored. */
  uri: string;
}

/** What VS Code keeps of a report over a reload of the window. */
export interface ReportState {
  uri: string;
  /** Opacity of the evidence in [0, 1]. */
  evidenceOpacity?: number;
}
