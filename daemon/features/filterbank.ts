import type { FeatureConfig } from './featureConfig.ts';

/** Slaney's mel scale (Auditory Toolbox, 1998; librosa's default): linear below 1 kHz, logarithmic above. */
const HERTZ_PER_LINEAR_MEL = 200 / 3;
const LOG_START_HERTZ = 1000;
const LOG_START_MEL = LOG_START_HERTZ / HERTZ_PER_LINEAR_MEL;
const LOG_STEP = Math.log(6.4) / 27;

const hertzToMel = (hertz: number): number =>
  hertz < LOG_START_HERTZ
    ? hertz / HERTZ_PER_LINEAR_MEL
    : LOG_START_MEL + Math.log(hertz / LOG_START_HERTZ) / LOG_STEP;
const melToHertz = (mel: number): number =>
  mel < LOG_START_MEL
    ? mel * HERTZ_PER_LINEAR_MEL
    : LOG_START_HERTZ * Math.exp(LOG_STEP * (mel - LOG_START_MEL));

/** Triangular bands over power-spectrum bins, stored without their zeros. */
export interface Filterbank {
  /** Centre frequency of each band in hertz, ascending. */
  centres: Float64Array;
  /** Band b covers bins firstBin[b] … firstBin[b] + weights[b].length − 1. */
  firstBin: Int32Array;
  weights: Float32Array[];
}

/**
 * Triangular filters over nFft/2 + 1 bins, area-normalised (2 / width in hertz):
 * `librosa.filters.mel(norm='slaney')` for scale `mel`, the same triangles with equal widths for `linear`.
 */
export function createFilterbank(config: FeatureConfig): Filterbank {
  const { nMels, nFft, sampleRate, fmin, fmax, scale } = config;
  const [toScale, toHertz] = scale === 'mel' ? [hertzToMel, melToHertz] : [Number, Number];
  const low = toScale(fmin);
  const high = toScale(fmax);
  const edges = Float64Array.from({ length: nMels + 2 }, (_, i) =>
    toHertz(low + ((high - low) * i) / (nMels + 1)),
  );

  const firstBin = new Int32Array(nMels);
  const weights: Float32Array[] = [];
  for (let band = 0; band < nMels; band++) {
    const [left, centre, right] = edges.subarray(band, band + 3);
    const area = 2 / (right - left);
    const row: number[] = [];
    for (let bin = 0; bin <= nFft / 2; bin++) {
      const hertz = (bin * sampleRate) / nFft;
      const weight = Math.min((hertz - left) / (centre - left), (right - hertz) / (right - centre));
      if (weight > 0) {
        if (row.length === 0) firstBin[band] = bin;
        row.push(weight * area);
      }
    }
    weights.push(Float32Array.from(row));
  }
  return { centres: edges.slice(1, nMels + 1), firstBin, weights };
}
