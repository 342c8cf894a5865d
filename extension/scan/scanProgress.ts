import { t } from '@vscode/l10n';
import { durationText } from '../../shared/wording.ts';

/** Seconds that the rate is measured over: a scan flies through what it knows and then slows down. */
const RATE_SECONDS = 20;
/** Seconds and files before the rate says something. */
const RATE_FROM_SECONDS = 2;
const RATE_FROM_FILES = 4;

/** How far a scan is, in files. */
export interface ScanProgress {
  done: number;
  found: number;
  /** Whether `found` is all of them. */
  allFound: boolean;
  /** Absent while it cannot be told. */
  secondsLeft?: number;
  /** Of a scan on many machines: those that work. */
  workers?: number;
}

/** Tells how long a scan still takes, from the rate of late. */
export class TimeLeft {
  private samples: { seconds: number; done: number }[] = [];

  /** @param seconds Of any clock. */
  after(seconds: number, done: number, found: number): number | undefined {
    this.samples.push({ seconds, done });
    while (this.samples.length > 2 && this.samples[1].seconds < seconds - RATE_SECONDS) this.samples.shift();
    const [first] = this.samples;
    const elapsed = seconds - first.seconds;
    const files = done - first.done;
    if (elapsed < RATE_FROM_SECONDS || files < RATE_FROM_FILES) return undefined;
    return ((found - done) * elapsed) / files;
  }
}

export const countText = (count: number): string => count.toLocaleString('en');

/** 120 of 1,000 files, 2:05 min left, 3 workers. */
export function progressText(progress: ScanProgress): string {
  const { workers } = progress;
  if (workers === undefined) return filesText(progress);
  if (workers === 0) return t('{0}, waiting for a worker', filesText(progress));
  return workers === 1
    ? t('{0}, 1 worker', filesText(progress))
    : t('{0}, {1} workers', filesText(progress), countText(workers));
}

function filesText({ done, found, allFound, secondsLeft }: ScanProgress): string {
  if (found === 0) return t('looking for audio files');
  const total = allFound ? countText(found) : `${countText(found)}+`;
  if (!allFound || secondsLeft === undefined) return t('{0} of {1} files', countText(done), total);
  const left = durationText(Math.max(1, Math.ceil(secondsLeft)));
  return t('{0} of {1} files, {2} left', countText(done), total, left);
}
