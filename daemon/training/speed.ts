import type { Spectrum } from '../features/clipSpectrum.ts';

/**
 * The spectrum of a clip played `speed` times as fast, tempo and pitch together, as resampling does it: columns are the nearest
 * ones in time, bands lie between those at a frequency `speed` times lower, and what comes from above the highest band is nothing.
 * Sound that is not repeated keeps at least `fewestFrames` columns. `frequencies`: centres of the bands in hertz, ascending.
 */
export function atSpeed(
  { powers, periodic }: Spectrum,
  speed: number,
  fewestFrames: number,
  frequencies: Float64Array,
): Spectrum {
  const bands = frequencies.length;
  const frames = powers.length / bands;
  const wanted = Math.max(1, Math.round(frames / speed));
  const width = periodic ? wanted : Math.max(wanted, fewestFrames);
  const step = frames / width;
  const result = new Float32Array(bands * width);
  let upper = 1;
  for (let band = 0; band < bands; band++) {
    const hertz = frequencies[band] / speed;
    if (hertz > frequencies[bands - 1]) break;
    while (upper < bands - 1 && frequencies[upper] < hertz) upper++;
    const gap = frequencies[upper] - frequencies[upper - 1];
    const share = Math.min(Math.max((hertz - frequencies[upper - 1]) / gap, 0), 1);
    const below = powers.subarray((upper - 1) * frames, upper * frames);
    const above = powers.subarray(upper * frames, (upper + 1) * frames);
    const row = result.subarray(band * width, (band + 1) * width);
    for (let t = 0; t < width; t++) {
      const source = Math.floor(t * step);
      row[t] = (1 - share) * below[source] + share * above[source];
    }
  }
  return { powers: result, periodic };
}
