/** Where the training clips lie in the space of the network's pooled features. */
export interface FeatureStatistics {
  /** Of the logarithm of each channel, over the clips. */
  mean: number[];
  deviation: number[];
  /** Distance that SHARE_INSIDE of the clips keep below. */
  limit: number;
}

/** Channels are averages of rectified values: their logarithms are nearer to normal. */
const OFFSET = 0.01;
const SMALLEST_DEVIATION = 0.01;
const SHARE_INSIDE = 0.995;
/** With fewer clips nothing is known about one in two hundred. */
const FEWEST_CLIPS = 200;
const DIGITS = 5;

/** Statistics of clips' pooled features; undefined for fewer than 200 clips. */
export function featureStatistics(clips: ArrayLike<number>[]): FeatureStatistics | undefined {
  if (clips.length < FEWEST_CLIPS) return undefined;
  const channels = Array.from({ length: clips[0].length }, (_, channel) =>
    clips.map((pooled) => Math.log(pooled[channel] + OFFSET)),
  );
  const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const round = (value: number) => Number(value.toPrecision(DIGITS));
  const mean = channels.map((values) => round(average(values)));
  const deviation = channels.map((values, channel) =>
    round(Math.max(SMALLEST_DEVIATION, Math.sqrt(average(values.map((v) => (v - mean[channel]) ** 2))))),
  );
  const distances = clips.map((pooled) => featureDistance(pooled, { mean, deviation })).sort((a, b) => a - b);
  return { mean, deviation, limit: round(distances[Math.floor(SHARE_INSIDE * distances.length)]) };
}

/** Root mean square of the channels' distances from the training clips' mean in their standard deviations (diagonal Mahalanobis distance). */
export function featureDistance(
  pooled: ArrayLike<number>,
  { mean, deviation }: Omit<FeatureStatistics, 'limit'>,
): number {
  const squares = mean.reduce(
    (sum, centre, channel) => sum + ((Math.log(pooled[channel] + OFFSET) - centre) / deviation[channel]) ** 2,
    0,
  );
  return Math.sqrt(squares / mean.length);
}
