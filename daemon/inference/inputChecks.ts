import type { SoundMeasures } from '../features/soundMeasures.ts';
import { type FeatureStatistics, featureDistance } from '../model/featureStatistics.ts';

/** Below this many seconds a clip says too little to be judged. */
export const SHORTEST_JUDGED_SECONDS = 0.5;

/** What is known about the input besides its score. */
export interface InputFacts {
  /** Seconds of sound. */
  duration: number;
  silent: boolean;
  /** What the file says of its coding. */
  coding?: { codec: string; bitsPerSecond: number };
  measures?: SoundMeasures;
  /** The network's pooled features, mean over the windows. */
  pooled?: ArrayLike<number>;
}

/**
 * Limits of what counts as speech, at or a little beyond the extreme 0.1 to 0.2 % of the 1,746 clips of the corpus's development part
 * (docs/detection.md).
 */
const SPEECH = {
  smallestDepth: 0.42,
  smallestSyllableShare: 0.11,
  largestSyllableShare: 0.88,
  smallestFlux: 4.6,
  smallestPeakedness: 9.2,
  largestPeakedness: 35.4,
};
/** Ten times the most that develop has; 3 dB of overload gives about 0.3 %, 6 dB about 2 %. */
const LARGEST_CLIPPED = 0.01;
/** A telephone line ends at 3.4 to 4 kHz. */
const SMALLEST_BANDWIDTH = 4100;

/**
 * Of genuine clips whose speakers a network had not met it called 5 % Deepfake as they were, 8 % after Opus of 64 kbit/s, and 23, 34
 * and 66 % after 32, 24 and 16 kbit/s (97 clips, docs/detection.md).
 */
const LEAST_OPUS_BITS_PER_SECOND = 48_000;

const LIST = new Intl.ListFormat('en');

/** Why the model cannot judge a sound, one sentence per reason; none where it can. `statistics`: of the model's training clips. */
export function inputReasons(
  { duration, silent, measures, pooled }: InputFacts,
  statistics: FeatureStatistics | undefined,
): string[] {
  const reasons: string[] = [];
  if (silent) reasons.push('The file is silent.');
  if (duration < SHORTEST_JUDGED_SECONDS) {
    reasons.push(
      `The sound is only ${duration.toFixed(2)} s long; at least ${SHORTEST_JUDGED_SECONDS} s are needed.`,
    );
  }
  if (reasons.length > 0) return reasons;
  if (measures !== undefined) {
    const unlike = unlikeSpeech(measures);
    if (isCovered(measures)) reasons.push('There is too much noise: it covers what speech there may be.');
    else if (unlike.length > 0) reasons.push(`This does not sound like speech: ${LIST.format(unlike)}.`);
    else reasons.push(...badRecording(measures));
  }
  if (pooled !== undefined && statistics !== undefined) {
    const distance = featureDistance(pooled, statistics);
    if (distance > statistics.limit) {
      reasons.push(
        `The model was trained on nothing like this sound (distance ${distance.toFixed(1)}; hardly any training clip lies beyond ${statistics.limit.toFixed(1)}).`,
      );
    }
  }
  return reasons;
}

/** Why Deepfake is no safe answer where the model leans to it, one sentence per reason; what looks genuine is not in doubt by it. */
export function deepfakeReasons({ coding }: InputFacts): string[] {
  if (coding?.codec !== 'opus' || coding.bitsPerSecond >= LEAST_OPUS_BITS_PER_SECOND) return [];
  const rate = (coding.bitsPerSecond / 1000).toFixed(0);
  return [
    `Opus of ${rate} kbit/s leaves traces that the model often takes for synthesis: find a copy of the recording that was coded with more, or not at all.`,
  ];
}

/** Noise-like, but as loud and soft as speech. */
const isCovered = ({ depth, syllableShare, peakedness }: SoundMeasures): boolean =>
  peakedness < SPEECH.smallestPeakedness &&
  depth >= SPEECH.smallestDepth &&
  syllableShare >= SPEECH.smallestSyllableShare &&
  syllableShare <= SPEECH.largestSyllableShare;

function unlikeSpeech({ depth, syllableShare, flux, peakedness }: SoundMeasures): string[] {
  const signs: string[] = [];
  if (depth < SPEECH.smallestDepth) signs.push('its loudness hardly changes');
  else if (syllableShare < SPEECH.smallestSyllableShare)
    signs.push('its loudness does not change at the pace of syllables');
  else if (syllableShare > SPEECH.largestSyllableShare) signs.push('its loudness changes in one even beat');
  if (peakedness > SPEECH.largestPeakedness) signs.push('it consists of pure tones');
  else if (peakedness < SPEECH.smallestPeakedness) signs.push('it is noise throughout');
  if (flux < SPEECH.smallestFlux) signs.push('its spectrum hardly changes');
  return signs;
}

function badRecording({ clipped, bandwidth }: SoundMeasures): string[] {
  const reasons: string[] = [];
  if (clipped > LARGEST_CLIPPED)
    reasons.push(
      `The sound is clipped (${(100 * clipped).toFixed(0)} % of its samples lie at the peak): it was recorded or amplified too loudly.`,
    );
  if (bandwidth < SMALLEST_BANDWIDTH)
    reasons.push(
      `The sound ends at ${(bandwidth / 1000).toFixed(1)} kHz, as on a telephone: on such sound the model is often wrong.`,
    );
  return reasons;
}
