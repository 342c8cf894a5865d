import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** A generator for `seed`; different `streams` of one seed (an epoch, a clip) are independent of each other. */
export function seededRandom(seed: number, ...streams: number[]): RandomGenerator {
  let mixed = seed | 0;
  for (const stream of streams) mixed = scramble(mixed ^ scramble((stream + 0x9e3779b9) | 0));
  return xoroshiro128plus(mixed);
}

/** Finalizer of MurmurHash3 (Appleby, 2011): every input bit changes every output bit with probability one half. */
function scramble(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Shuffles in place (Fisher–Yates) and returns the same array. */
export function shuffle<T>(items: T[], random: RandomGenerator): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = uniformInt(random, 0, i);
    [items[i], items[j]] = [items[j], items[i]];
  }
  return items;
}
