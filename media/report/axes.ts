/** Room around a plot's picture for its labels, in CSS pixels. */
export const MARGIN = { left: 58, right: 14, top: 8, bottom: 34 };

const MEANINGFUL_HERTZ = [
  100, 250, 500, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 10000, 12000, 16000, 20000,
];
const MEANINGFUL_STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600];
const SECONDS_LABEL_WIDTH = 56;
const HERTZ_LABEL_HEIGHT = 22;

export interface Tick {
  /** Position on the axis in [0, 1]. */
  position: number;
  label: string;
}

/** Ticks at round numbers of seconds from 0 to `seconds`, with room for each label. */
export function secondsTicks(seconds: number, width: number): Tick[] {
  const most = Math.max(1, Math.floor(width / SECONDS_LABEL_WIDTH));
  const step = MEANINGFUL_STEPS.find((candidate) => seconds / candidate <= most) ?? seconds;
  const ticks: Tick[] = [];
  for (let i = 0; i * step <= seconds * 1.0001; i++) {
    const value = i * step;
    ticks.push({ position: value / seconds, label: String(Number(value.toFixed(1))) });
  }
  return ticks;
}

/**
 * Ticks at round frequencies on the axis of a spectrogram, whose rows are equally high.
 * @param frequencies Centre of each row in hertz, ascending.
 */
export function hertzTicks(frequencies: readonly number[], height: number): Tick[] {
  const ticks: Tick[] = [];
  let last = -Infinity;
  for (const hertz of MEANINGFUL_HERTZ) {
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
