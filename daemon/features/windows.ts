import { type FeatureConfig, windowLength } from './featureConfig.ts';

/** Windows whose root mean square lies this far below the loudest window's count as silent. */
const SILENCE_BELOW_LOUDEST_DB = 40;
/** Root mean square below which sound counts as silence however loud the rest is (−80 dBFS). */
const SILENCE_FLOOR = 1e-4;

/** One window of exactly `windowLength(config)` samples from `start` on; what is missing is filled up by `config.padding`. */
export function extractWindow(samples: Float32Array, start: number, config: FeatureConfig): Float32Array {
  const length = windowLength(config);
  if (start + length <= samples.length) return samples.subarray(start, start + length);
  const window = new Float32Array(length);
  const available = samples.subarray(start);
  window.set(available);
  if (config.padding === 'tile') {
    for (let filled = available.length; filled > 0 && filled < length; filled *= 2) {
      window.copyWithin(filled, 0, Math.min(filled, length - filled));
    }
  }
  return window;
}

/** Root mean square below which a window is silent when that of the loudest one is `loudest`. */
export const silenceLevel = (loudest: number): number =>
  Math.max(SILENCE_FLOOR, loudest * 10 ** (-SILENCE_BELOW_LOUDEST_DB / 20));

export function rootMeanSquare(samples: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < samples.length; i++) squares += samples[i] * samples[i];
  return Math.sqrt(squares / Math.max(1, samples.length));
}
