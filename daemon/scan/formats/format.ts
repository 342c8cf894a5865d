import { relative, sep } from 'node:path';
import type { ScannedFile, ScanSummary } from '../../../shared/protocol.ts';
import { NOT_READ, type Outcome } from '../../../shared/scanPage.ts';
import type { ModelFacts } from '../../../shared/verdict.ts';
import { verdictJson } from '../../../shared/verdictJson.ts';
import { isUrl } from '../urls.ts';

/** What a report says besides its rows. */
export interface ReportContext {
  /** Absolute paths that were scanned. */
  paths: string[];
  model: ModelFacts;
  /** Version of this program. */
  version: string;
  started: Date;
  /** The folder that paths for people are relative to. */
  base: string;
}

/** A report as text, piece by piece, so that no report is ever held in memory. */
export interface ReportWriter {
  begin(): string;
  row(file: ScannedFile): string;
  end(summary: ScanSummary): string;
}

/** The cells that table, CSV and HTML have in common. */
export interface Row {
  decision: Outcome;
  /** Absent for files that could not be read. */
  deepfakeProbability?: number;
  /** Seconds. */
  duration?: number;
  remark: string;
}

export function rowOf(file: ScannedFile): Row {
  if ('error' in file) return { decision: NOT_READ, remark: file.error.message };
  const { decision, deepfakeProbability, reasons, audio } = file.verdict;
  const remark = [...reasons, ...audio.warnings].join(' ');
  return { decision, deepfakeProbability, duration: audio.duration, remark };
}

/** What `predict` prints of a file, `content_hash` and `cached`; or `file` and `error`. */
export function fileJson(file: ScannedFile): string {
  const { cached, contentHash } = file;
  const answer = 'verdict' in file ? verdictJson(file.verdict) : { file: file.file, error: file.error };
  return JSON.stringify({ ...answer, content_hash: contentHash, cached });
}

/** A path below `base` relative to it, others as they are. */
export function shownPath(path: string, base: string): string {
  if (isUrl(path)) return path;
  const local = relative(base, path);
  return local === '' || local === '..' || local.startsWith(`..${sep}`) ? path : local;
}

const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Text that can neither steer a terminal nor turn the reading direction: such characters are written as \u{…}. */
export const printable = (text: string): string =>
  text.replace(UNSAFE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
