import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { type Codec, throughCodecs } from '../../daemon/audio/lossyCodecs.ts';
import { rootMeanSquare } from '../../daemon/features/windows.ts';

/** What may have happened to a recording before somebody asks about it. `rate` in hertz. */
export interface Treatment {
  name: string;
  /** Absent: needs nothing but this program. */
  codec?: Codec;
  apply(samples: Float32Array, rate: number, random: RandomGenerator): Float32Array | Promise<Float32Array>;
}

const ROOM_SECONDS = 0.5;
const DIRECT_TO_REVERBERANT_DB = 5;
/** Impulses per second of velvet noise: from about this density on it sounds as smooth as white noise. */
const VELVET_DENSITY = 2000;
const TRIMMED_SECONDS = 0.25;
const ADDED_SILENCE_SECONDS = 0.5;

const coded = (name: string, codec: Codec): Treatment => ({
  name,
  codec,
  apply: async (samples, rate) => (await throughCodecs(samples, rate, [codec]))[0],
});

/** The first one is no treatment, which the others are compared with. */
export const TREATMENTS: Treatment[] = [
  { name: 'as it is', apply: (samples) => samples },
  coded('MP3 64 kbit/s', 'mp3-64k'),
  coded('AAC 48 kbit/s', 'aac-48k'),
  coded('Opus 24 kbit/s', 'opus-24k'),
  coded('G.711, 8 kHz', 'g711'),
  { name: 'white noise, 20 dB', apply: (samples, _, random) => withNoise(samples, 20, random) },
  { name: 'white noise, 10 dB', apply: (samples, _, random) => withNoise(samples, 10, random) },
  { name: `room, RT60 ${ROOM_SECONDS} s`, apply: inRoom },
  { name: `${TRIMMED_SECONDS} s less at either end`, apply: trimmed },
  { name: `${ADDED_SILENCE_SECONDS} s of silence at either end`, apply: padded },
  { name: 'gain −20 dB', apply: (samples) => samples.map((sample) => sample / 10) },
];

/** White noise at a signal-to-noise ratio in decibels over the whole clip. */
function withNoise(samples: Float32Array, snr: number, random: RandomGenerator): Float32Array {
  // Uniform values in ±1 have a variance of 1/3.
  const gain = rootMeanSquare(samples) * Math.sqrt(3) * 10 ** (-snr / 20);
  return samples.map((sample) => sample + gain * (2 * uniformFloat64(random) - 1));
}

/** Late reverberation of velvet noise (Karjalainen & Järveläinen 2007) that decays by 60 dB in ROOM_SECONDS. */
function inRoom(samples: Float32Array, rate: number, random: RandomGenerator): Float32Array {
  const spacing = rate / VELVET_DENSITY;
  const taps: { delay: number; gain: number }[] = [];
  for (let position = spacing; position < ROOM_SECONDS * rate; position += spacing) {
    const delay = Math.floor(position + spacing * uniformFloat64(random));
    const sign = uniformFloat64(random) < 0.5 ? -1 : 1;
    taps.push({ delay, gain: sign * 10 ** ((-3 * delay) / (ROOM_SECONDS * rate)) });
  }
  const energy = taps.reduce((sum, { gain }) => sum + gain * gain, 0);
  const scale = Math.sqrt(10 ** (-DIRECT_TO_REVERBERANT_DB / 10) / energy);
  const result = samples.slice();
  for (const { delay, gain } of taps) {
    for (let n = delay; n < samples.length; n++) result[n] += scale * gain * samples[n - delay];
  }
  return result;
}

function trimmed(samples: Float32Array, rate: number): Float32Array {
  // At least half of a short clip stays.
  const edge = Math.min(Math.round(TRIMMED_SECONDS * rate), samples.length >> 2);
  return samples.slice(edge, samples.length - edge);
}

function padded(samples: Float32Array, rate: number): Float32Array {
  const edge = Math.round(ADDED_SILENCE_SECONDS * rate);
  const result = new Float32Array(samples.length + 2 * edge);
  result.set(samples, edge);
  return result;
}
