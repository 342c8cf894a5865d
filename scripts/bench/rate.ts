export function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Items per second: the median over repetitions that fill the seconds, after three that are not counted. */
export async function itemsPerSecond(
  work: () => Promise<unknown>,
  items: number,
  seconds: number,
): Promise<number> {
  for (let i = 0; i < 3; i++) await work();
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end || times.length < 3) {
    const start = performance.now();
    await work();
    times.push((performance.now() - start) / 1000);
  }
  return items / median(times);
}

/** A rate for a table. */
export function figure(value: number): string {
  if (Number.isNaN(value)) return '–';
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
