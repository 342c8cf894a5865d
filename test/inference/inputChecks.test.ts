import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { loadAudio } from '../../daemon/audio/loadAudio.ts';
import { throughCodecs } from '../../daemon/audio/lossyCodecs.ts';
import { type FeatureConfig, referenceFeatures } from '../../daemon/features/featureConfig.ts';
import { LogSpectrogram } from '../../daemon/features/logSpectrogram.ts';
import type { SoundMeasures } from '../../daemon/features/soundMeasures.ts';
import { meterSpectrogram, SoundMeter } from '../../daemon/features/soundMeter.ts';
import { WindowStream } from '../../daemon/features/windowStream.ts';
import { rootMeanSquare } from '../../daemon/features/windows.ts';
import { inputReasons } from '../../daemon/inference/inputChecks.ts';
import { featureStatistics } from '../../daemon/model/featureStatistics.ts';
import { packageRoot } from '../../daemon/paths.ts';
import { seededRandom } from '../../daemon/random.ts';
import { defaultRecipe } from '../../daemon/training/recipe.ts';

const RATE = 16_000;
const sound = (seconds: number, value: (seconds: number, n: number) => number): Float32Array =>
  Float32Array.from({ length: seconds * RATE }, (_, n) => value(n / RATE, n));
const random = seededRandom(3);
const noise = () => 2 * uniformFloat64(random) - 1;
const sine = (hertz: number, t: number) => Math.sin(2 * Math.PI * hertz * t);

/** A note with harmonics that dies away. */
const note = (hertz: number, t: number): number =>
  [1, 2, 3, 4, 5].reduce((sum, k) => sum + (sine(hertz * k, t) * Math.exp(-4 * t * Math.sqrt(k))) / k, 0);
const TUNE = [262, 330, 392, 523, 440, 349];

const NOT_SPEECH: [string, Float32Array, RegExp][] = [
  [
    'a tone',
    sound(3, (t) => 0.5 * sine(440, t)),
    /^This does not sound like speech: .*loudness hardly changes.*pure tones/,
  ],
  ['a high tone', sound(3, (t) => 0.5 * sine(3000, t)), /pure tones/],
  ['a chirp', sound(3, (t) => 0.5 * sine(100 + 600 * t, t)), /loudness hardly changes/],
  [
    'white noise',
    sound(3, () => 0.3 * noise()),
    /^This does not sound like speech: .*loudness hardly changes.*noise/,
  ],
  [
    'noise in waves',
    sound(3, (t) => 0.3 * noise() * (1 + sine(4, t))),
    /^This does not sound like speech: .*even beat.*noise/,
  ],
  ['a siren', sound(3, (t) => 0.5 * sine(900, t + 0.05 * sine(0.7, t))), /loudness hardly changes/],
  [
    'a chord',
    sound(3, (t) => 0.2 * (note(262, t / 8) + note(330, t / 8) + note(392, t / 8))),
    /not sound like speech/,
  ],
  [
    'a fast tune',
    sound(3, (t) => 0.3 * note(TUNE[Math.floor(8 * t) % 6], t % 0.125)),
    /not sound like speech/,
  ],
  [
    'a drum',
    sound(
      3,
      (t) => 0.5 * noise() * Math.exp(-20 * (t % 0.25)) + 0.5 * sine(60, t) * Math.exp(-15 * (t % 0.5)),
    ),
    /too much noise/,
  ],
];

async function measure(samples: Float32Array, config: FeatureConfig): Promise<SoundMeasures> {
  const model = await LogSpectrogram.create(config);
  const meter = new SoundMeter(model, await meterSpectrogram(model));
  const windows = new WindowStream(config, 0.5);
  windows.push(samples);
  meter.push(samples);
  for (const window of [...windows.take(), ...windows.finish(samples.length)])
    meter.addWindow(window, model.powers(window.samples));
  return meter.finish(windows.silenceFloor);
}

async function reasons(
  samples: Float32Array,
  config: FeatureConfig = defaultRecipe.features,
): Promise<string> {
  const measures = await measure(samples, config);
  const facts = { duration: samples.length / RATE, silent: false, measures };
  return inputReasons(facts, undefined).join(' ');
}

describe('a sound that is not speech', () => {
  for (const [what, samples, expected] of NOT_SPEECH) {
    it(`is told by what it is like: ${what}`, async () => {
      assert.match(await reasons(samples), expected);
    });
  }

  it('is told in the same way whatever bands the model has', async () => {
    const [, tone] = NOT_SPEECH[0];
    const own = await measure(tone, defaultRecipe.features);
    const other = await measure(tone, { ...referenceFeatures, padding: 'tile' });
    for (const key of Object.keys(own) as (keyof SoundMeasures)[])
      assert.ok(
        Math.abs(own[key] - other[key]) <= 0.02 * Math.max(1, own[key]),
        `${key} ${own[key]} ${other[key]}`,
      );
  });
});

describe('speech', () => {
  let speech: Float32Array;
  before(async () => {
    const { samples } = await loadAudio(join(packageRoot, 'media', 'samples', 'genuine-woman-english.flac'));
    speech = samples;
  });
  for (const name of ['genuine-man-italian.wav', 'genuine-woman-english.flac', 'genuine-woman-french.ogg']) {
    it(`can be judged: ${name}`, async () => {
      const path = join(packageRoot, 'media', 'samples', name);
      assert.ok(existsSync(path));
      const { samples } = await loadAudio(path);
      assert.equal(await reasons(samples), '');
      assert.equal(await reasons(samples, referenceFeatures), '');
    });
  }

  it('that is overloaded by 9 dB is clipped, by none is not', async () => {
    const peak = speech.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const overloaded = speech.map((value) => Math.max(-1, Math.min(1, (value / peak) * 2.8)));
    assert.match(await reasons(overloaded), /^The sound is clipped \(\d+ % of its samples/);
    assert.equal(await reasons(speech.map((value) => value / peak)), '');
  });

  it('beneath white noise at 5 dB is covered, and is not called something else', async () => {
    const gain = rootMeanSquare(speech) * Math.sqrt(3) * 10 ** (-5 / 20);
    assert.match(await reasons(speech.map((value) => value + gain * noise())), /^There is too much noise/);
  });

  it('over a telephone line is narrow', async () => {
    const [narrow] = await throughCodecs(speech, RATE, ['g711']);
    assert.match(await reasons(narrow), /^The sound ends at 3\.\d kHz, as on a telephone/);
  });
});

describe('the network’s features', () => {
  const draw = seededRandom(8);
  const clip = (level: number) => Array.from({ length: 6 }, () => level * (0.5 + uniformFloat64(draw)));
  const clips = Array.from({ length: 400 }, () => clip(1));
  const facts = (pooled: number[]) => ({ duration: 3, silent: false, pooled });

  it('are far from the training clips’ where they are a hundred times as large', () => {
    const statistics = featureStatistics(clips);
    assert.ok(statistics);
    const refused = clips.filter((pooled) => inputReasons(facts(pooled), statistics).length > 0);
    assert.ok(refused.length <= 2, `${refused.length} of 400 training clips lie beyond the limit`);
    assert.match(inputReasons(facts(clip(100)), statistics).join(), /trained on nothing like this sound/);
    assert.deepEqual(inputReasons(facts(clip(100)), undefined), []);
  });

  it('say nothing where there were too few clips', () => {
    assert.equal(featureStatistics(clips.slice(0, 199)), undefined);
  });
});
