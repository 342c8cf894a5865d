import type { PlayableAudioResult, ReportPart } from '../../shared/protocol.ts';
import type { Pictures, Verdict } from '../../shared/verdict.ts';
import type { AudioSource } from './player.ts';
import type { TimeView } from './timeView.ts';

/** How a detection goes. */
export type DetectionMessage =
  /** Sent first, and again when another detection begins. */
  | { type: 'detecting'; file: FileNames; audio: AudioSource }
  /** How far the detection is. */
  | { type: 'part'; part: ReportPart }
  | { type: 'verdict'; verdict: Verdict }
  | { type: 'failure'; message: string };

/** What the extension tells the report. */
export type ToReport =
  /** Numbered in order, from 1 on: it may be sent before the page is made and again when that is ready, and counts once. */
  | (DetectionMessage & { number: number })
  | { type: 'detail'; pictures: Pictures }
  /** A slice of the file's sound, for players that cannot read the original. */
  | { type: 'playable'; slice: PlayableAudioResult }
  | { type: 'notPlayable'; message: string };

/** What the report asks of the extension. */
export type FromReport =
  /** The report can receive messages. */
  | { type: 'ready' }
  | { type: 'retry' }
  | { type: 'stop' }
  | { type: 'copyJson' }
  | { type: 'needPlayable'; start: number }
  | { type: 'needDetail'; start: number; end: number }
  /** A picture as a data URL. */
  | { type: 'savePng'; picture: string }
  | { type: 'saveHtml'; pictures: SavedPictures };

/** The plots as data URLs of WebP, for light and dark pages. */
export interface SavedPictures {
  light: string;
  dark: string;
}

export interface FileNames {
  /** The file's own name. */
  name: string;
  /** Its folder as the explorer shows it, or its path where it is in no workspace. */
  folder: string;
  /** Its URI, by which the report is restored. */
  uri: string;
}

/**
 * What VS Code keeps of a report while its tab is hidden, and over a reload of the window. The page itself is given up, since
 * one that is retained takes tens of megabytes; the daemon still has its pictures.
 */
export interface ReportState {
  uri: string;
  /** What is magnified; absent: the whole file is shown. */
  view?: TimeView;
  /** Position of the player in seconds. */
  seconds: number;
  /** Opacity of the evidence in [0, 1]. */
  evidenceOpacity: number;
}
