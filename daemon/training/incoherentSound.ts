import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import type { FeatureConfig } from '../features/featureConfig.ts';
import { seededRandom } from '../random.ts';

/** Standard normal values to draw from; drawing a random start is cheaper than drawing each value. */
const NORMAL_TABLE = normalTable(1 << 16);
const MASK = NORMAL_TABLE.length - 1;

/** Adds sound whose phase has nothing to do with the signal's to band powers: noise, late reverberation. */
export class IncoherentSound {
  private next: number;

  constructor(
    private readonly config: FeatureConfig,
    private readonly frequencies: Float64Array,
    random: RandomGenerator,
  ) {
    this.next = uniformInt(random, 0, MASK);
  }

  /**
   * Adds sound of the expected power `levels[t]` to a band's powers, in place. What is added varies as a mean of independent bins
   * does (gamma distribution, by Wilson & Hilferty 1931), and so does its product with the signal.
   */
  addTo(powers: Float32Array, band: number, levels: Float32Array): void {
    const bins = independentBins(this.config, this.frequencies, band);
    const a = 1 - 1 / (9 * bins);
    const b = 1 / (3 * Math.sqrt(bins));
    let { next } = this;
    for (let i = 0; i < powers.length; i++) {
      const root = Math.max(0, a + b * NORMAL_TABLE[next & MASK]);
      const added = levels[i] * root * root * root;
      const product = Math.sqrt((2 * powers[i] * added) / bins) * NORMAL_TABLE[(next + 1) & MASK];
      powers[i] = Math.max(powers[i] + added + product, (powers[i] + added) * 0.01);
      next += 2;
    }
    this.next = next & MASK;
  }
}

/** Roughly how many independent values a band's power is the mean of: its half width in bins over the Hann window's 1.5. */
function independentBins(
  { sampleRate, nFft }: FeatureConfig,
  frequencies: Float64Array,
  band: number,
): number {
  const other = band > 0 ? band - 1 : band + 1;
  const halfWidth = Math.abs(frequencies[band] - frequencies[other]);
  return Math.max(1, (halfWidth * nFft) / sampleRate / 1.5);
}

function normalTable(length: number): Float32Array {
  const random = seededRandom(1);
  const table = new Float32Array(length);
  for (let i = 0; i < length; i += 2) {
    // Box & Muller 1958
    const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(random)));
    const angle = 2 * Math.PI * uniformFloat64(random);
    table[i] = radius * Math.cos(angle);
    table[i + 1] = radius * Math.sin(angle);
  }
  return table;
}
