import { t } from '@vscode/l10n';
import { clockText } from './readOut.ts';
import { span, type TimeView } from './timeView.ts';

/** Room around a plot's picture for its labels, in CSS pixels. */
export const MARGIN = { left: 58, right: 14, top: 8, bottom: 34 };

const LABELLED_HERTZ = [
  100, 250, 500, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 10000, 12000, 16000, 20000,
];
/** Steps between two ticks of the time axis. */
const TICK_SECONDS = [
  0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600,
];
/** Seconds up to which a time is told in seconds. */
const LONGEST_IN_SECONDS = 90;
const SECONDS_LABEL_WIDTH = 64;
const HERTZ_LABEL_HEIGHT = 22;

export interface Tick {
  /** Position on the axis in [0, 1]. */
  position: number;
  label: string;
}

/** Ticks at round times of the view, with room for each label: seconds, or minutes and seconds where it ends later than a minute. */
export function timeTicks(view: TimeView, width: number): Tick[] {
  const seconds = span(view);
  const most = Math.max(1, Math.floor(width / SECONDS_LABEL_WIDTH));
  const step = TICK_SECONDS.find((candidate) => seconds / candidate <= most) ?? seconds;
  const decimals = step < 0.1 ? 2 : step < 1 ? 1 : 0;
  const ticks: Tick[] = [];
  for (let i = Math.ceil(view.start / step - 1e-6); i * step <= view.end + seconds * 1e-4; i++) {
    const value = i * step;
    const label = inMinutes(view) ? clockText(value, decimals) : String(Number(value.toFixed(2)));
    ticks.push({ position: (value - view.start) / seconds, label });
  }
  return ticks;
}

/** Whether the labels of a view are minutes and seconds. */
const inMinutes = (view: TimeView): boolean => view.end > LONGEST_IN_SECONDS;

/** The time axis of a view: its ticks and its title. */
export const timeAxis = (view: TimeView, width: number): { ticks: Tick[]; title: string } => ({
  ticks: timeTicks(view, width),
  title: inMinutes(view) ? t('minutes') : t('seconds'),
});

/**
 * Ticks at round frequencies on the axis of a spectrogram, whose rows are equally high.
 * @param frequencies Centre of each row in hertz, ascending.
 */
export function hertzTicks(frequencies: readonly number[], height: number): Tick[] {
  const ticks: Tick[] = [];
  let last = -Infinity;
  for (const hertz of LABELLED_HERTZ) {
    const row = rowOf(frequencies, hertz);
    if (row === undefined) continue;
    const position = (row + 0.5) / frequencies.length;
    if ((position - last) * height < HERTZ_LABEL_HEIGHT) continue;
    ticks.push({ position, label: hertz < 1000 ? String(hertz) : `${hertz / 1000}k` });
    last = position;
  }
  return ticks;
}

/** The row, with a fraction, whose centre is at `hertz`; undefined outside the rows. */
function rowOf(frequencies: readonly number[], hertz: number): number | undefined {
  const above = frequencies.findIndex((centre) => centre >= hertz);
  if (above === -1 || (above === 0 && frequencies[0] > hertz)) return undefined;
  if (above === 0) return 0;
  const [low, high] = [frequencies[above - 1], frequencies[above]];
  return above - 1 + (hertz - low) / (high - low);
}
