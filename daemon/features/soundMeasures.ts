/** What tells speech from other sound, by band powers. */
export interface SpeechMeasures {
  /** How much the loudness fluctuates: standard deviation of the envelope over its mean. */
  depth: number;
  /** Share of that fluctuation that lies at 2–8 Hz, the rate of syllables (Houtgast & Steeneken 1985). */
  syllableShare: number;
  /** How much the spectrum changes its shape: standard deviation over time of a band's decibels less its frame's, mean over the bands. */
  flux: number;
  /** How peaked the frames' spectra are: arithmetic over geometric mean of the band powers, in decibels (inverse spectral flatness). */
  peakedness: number;
}

/** What is known about a file's sound besides how the network scores it. */
export interface SoundMeasures extends SpeechMeasures {
  /** Hertz up to which the mean spectrum lies within 50 dB of its peak. */
  bandwidth: number;
  /** Share of the audible samples that lie at the peak. */
  clipped: number;
}

/** Decibels below the loudest frame, or band's share of it, that no longer count. */
const RANGE_DB = 60;
/** Frames this far below the loudest have no spectrum worth judging. */
const LOUD_FRAMES_DB = 30;
const SYLLABLE_HERTZ = { low: 2, high: 8 };

/** Measures band powers (bands × frames, row-major); `frameRate` in hertz. */
export function measureSpeech(powers: Float32Array, bands: number, frameRate: number): SpeechMeasures {
  const frames = powers.length / bands;
  const totals = new Float64Array(frames);
  for (let band = 0; band < bands; band++)
    for (let t = 0; t < frames; t++) totals[t] += powers[band * frames + t];
  const loudest = totals.reduce((most, value) => Math.max(most, value), Number.MIN_VALUE);
  const bandFloor = Math.max((loudest * 10 ** (-RANGE_DB / 10)) / bands, Number.MIN_VALUE);
  const shape = new Float64Array(bands * frames);
  const means = new Float64Array(frames);
  for (let i = 0, band = 0; band < bands; band++) {
    for (let t = 0; t < frames; t++, i++) {
      shape[i] = 10 * Math.log10(Math.max(powers[i], bandFloor));
      means[t] += shape[i] / bands;
    }
  }
  for (let i = 0; i < shape.length; i++) shape[i] -= means[i % frames];
  let flux = 0;
  for (let band = 0; band < bands; band++)
    flux += deviation(shape.subarray(band * frames, (band + 1) * frames)) / bands;
  const loud = Array.from(totals.keys()).filter((t) => totals[t] > loudest * 10 ** (-LOUD_FRAMES_DB / 10));
  const peakedness = mean(loud.map((t) => 10 * Math.log10(totals[t] / bands) - means[t]));
  const envelope = totals.map(Math.sqrt);
  return {
    depth: deviation(envelope) / Math.max(mean(envelope), Number.MIN_VALUE),
    syllableShare: syllableShare(envelope, frameRate),
    flux,
    peakedness,
  };
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / Math.max(1, values.length);
}

function deviation(values: Float64Array): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
}

/** Share of a contour's variance at the rate of syllables, by its discrete Fourier transform. */
function syllableShare(contour: Float64Array, rate: number): number {
  const count = contour.length;
  const centre = mean(contour);
  const centred = contour.map((value) => value - centre);
  const variance = mean(centred.map((value) => value * value));
  if (variance === 0) return 0;
  let inside = 0;
  const highest = Math.floor((SYLLABLE_HERTZ.high * count) / rate);
  for (let k = Math.ceil((SYLLABLE_HERTZ.low * count) / rate); k <= highest; k++) {
    // Goertzel 1958
    const coefficient = 2 * Math.cos((2 * Math.PI * k) / count);
    let [last, before] = [0, 0];
    for (let t = 0; t < count; t++) {
      const next = centred[t] + coefficient * last - before;
      before = last;
      last = next;
    }
    inside += (2 * (last * last + before * before - coefficient * last * before)) / (count * count);
  }
  return Math.min(1, inside / variance);
}
