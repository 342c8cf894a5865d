import type { ScanSummary } from './protocol.ts';
import type { Decision, ModelFacts } from './verdict.ts';

/** What stands in the place of a decision for a file that could not be read. */
export const NOT_READ = 'Not read';
export type Outcome = Decision | typeof NOT_READ;

/** A row of the HTML report: path, outcome, probability of Deepfake or null, seconds or null, remark. */
export type PageRow = [
  path: string,
  outcome: Outcome,
  probability: number | null,
  seconds: number | null,
  remark: string,
];

/** What the HTML report says above its rows. */
export interface PageFacts {
  summary: ScanSummary;
  paths: string[];
  model: ModelFacts;
  version: string;
  /** ISO 8601. */
  started: string;
}
