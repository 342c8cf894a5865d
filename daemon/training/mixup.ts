import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

export interface Mixup {
  probability: number;
  /** Shares are drawn from the beta distribution with both parameters this. */
  alpha: number;
}

/**
 * Mixup (Zhang et al. 2018), in place: examples become weighted sums of themselves and another of the batch, and so do their
 * labels. `features`: labels.length × equal parts.
 */
export function mixExamples(
  features: Float32Array,
  labels: Float32Array,
  { probability, alpha }: Mixup,
  random: RandomGenerator,
): void {
  const count = labels.length;
  const size = features.length / count;
  const before = features.slice();
  const labelsBefore = labels.slice();
  for (let example = 0; example < count; example++) {
    if (uniformFloat64(random) >= probability) continue;
    const partner = uniformInt(random, 0, count - 1);
    const share = betaShare(alpha, random);
    const from = partner * size - example * size;
    for (let i = example * size; i < (example + 1) * size; i++)
      features[i] = share * before[i] + (1 - share) * before[i + from];
    labels[example] = share * labelsBefore[example] + (1 - share) * labelsBefore[partner];
  }
}

/** Beta(alpha, alpha) for 0 < alpha ≤ 1 by Jöhnk's method (1964). */
function betaShare(alpha: number, random: RandomGenerator): number {
  for (;;) {
    const x = uniformFloat64(random) ** (1 / alpha);
    const y = uniformFloat64(random) ** (1 / alpha);
    if (x + y > 0 && x + y <= 1) return x / (x + y);
  }
}
