/** How a log spectrogram is computed from samples. Every field is stored in `model_config.json`. */
export interface FeatureConfig {
  /** Hertz. */
  sampleRate: number;
  /** Seconds of sound that the network sees at once. */
  duration: number;
  /** Frequency bands: rows of the spectrogram. */
  nMels: number;
  /** Samples per Fourier transform; a power of two. */
  nFft: number;
  /** Samples between frames. */
  hopLength: number;
  /** Lowest and highest band edge in hertz. */
  fmin: number;
  fmax: number;
  /** Spacing of the bands: Slaney's mel scale, or equal widths in hertz. */
  scale: 'mel' | 'linear';
  /**
   * What is taken out of the decibels before they are divided by the clip's standard deviation:
   * `clip` the clip's mean, `band` each band's mean over time (removes the channel's average colour), `frame-and-band` each
   * frame's mean over the bands (removes the loudness contour) and then each band's mean.
   */
  normalization: 'clip' | 'band' | 'frame-and-band';
  /** How sound shorter than `duration` is filled up: with zeros at the end, or by repeating it. */
  padding: 'zero' | 'tile';
}

/** The reference's features. */
export const referenceFeatures: FeatureConfig = {
  sampleRate: 16000,
  duration: 4,
  nMels: 64,
  nFft: 1024,
  hopLength: 256,
  fmin: 20,
  fmax: 7600,
  scale: 'mel',
  normalization: 'clip',
  padding: 'zero',
};

/** Samples of one window. */
export const windowLength = (config: FeatureConfig): number =>
  Math.round(config.duration * config.sampleRate);

/** Columns of a centred spectrogram of `samples` samples: 64,000 → 251 at hop 256. */
export const frameCount = (config: FeatureConfig, samples = windowLength(config)): number =>
  1 + Math.floor(samples / config.hopLength);
