import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import type { FeatureConfig } from '../features/featureConfig.ts';
import { IncoherentSound } from './incoherentSound.ts';

/** A room, as far as its late sound goes. */
export interface Room {
  /** Reverberation time (RT60) at low frequencies in seconds. */
  seconds: number;
  /** The highest band's share of that time: walls and air swallow high frequencies first. */
  highShare: number;
  /** Energy of the direct sound over that of the reverberation, in decibels. */
  directToReverberant: number;
}

const LOWEST_HIGH_SHARE = 0.4;
/** 60 dB as a ratio of powers. */
const REVERBERATION_DECAY = 1e-6;

/** A room with its reverberation time and direct-to-reverberant ratio between these. */
export function randomRoom(
  seconds: [number, number],
  directToReverberant: [number, number],
  random: RandomGenerator,
): Room {
  const between = ([low, high]: [number, number]) => low + (high - low) * uniformFloat64(random);
  return {
    seconds: between(seconds),
    highShare: between([LOWEST_HIGH_SHARE, 1]),
    directToReverberant: between(directToReverberant),
  };
}

/**
 * Lays a room's reverberation over band powers (bands × frames), in place: exponentially decaying noise (Polack 1988), whose power
 * in a band is the sum of the earlier frames' powers, each decayed since. Of `periodic` sound the end reverberates in the beginning.
 */
export function addReverberation(
  powers: Float32Array,
  periodic: boolean,
  { seconds, highShare, directToReverberant }: Room,
  config: FeatureConfig,
  frequencies: Float64Array,
  random: RandomGenerator,
): void {
  const bands = frequencies.length;
  const frames = powers.length / bands;
  const levels = new Float32Array(frames);
  const sound = new IncoherentSound(config, frequencies, random);
  const ratio = 10 ** (-directToReverberant / 10);
  const highest = frequencies[bands - 1];
  for (let band = 0; band < bands; band++) {
    const time = seconds * (1 - (1 - highShare) * (frequencies[band] / highest));
    const decay = REVERBERATION_DECAY ** (config.hopLength / config.sampleRate / time);
    const gain = ratio * (1 - decay);
    const row = powers.subarray(band * frames, (band + 1) * frames);
    let late = 0;
    if (periodic) for (const power of row) late = decay * late + gain * power;
    for (let i = 0; i < frames; i++) {
      levels[i] = late;
      late = decay * late + gain * row[i];
    }
    sound.addTo(row, band, levels);
  }
}
