import { windowLength } from './featureConfig.ts';
import type { LogSpectrogram } from './logSpectrogram.ts';

/** Band powers of a clip: bands × frames, row-major. `periodic`: the clip is repeated, and so are its columns. */
export interface Spectrum {
  powers: Float32Array;
  periodic: boolean;
}

/** The spectrum that views of a clip are taken from: of the clip repeated where it is shorter than a window. */
export function clipSpectrum(samples: Float32Array, spectrogram: LogSpectrogram): Spectrum {
  const { config } = spectrogram;
  const length = windowLength(config);
  if (samples.length >= length) return { powers: spectrogram.powers(samples), periodic: false };
  if (config.padding === 'tile' && samples.length >= config.hopLength) {
    return { powers: spectrogram.periodicPowers(samples), periodic: true };
  }
  const padded = new Float32Array(length);
  padded.set(samples);
  return { powers: spectrogram.powers(padded), periodic: false };
}
