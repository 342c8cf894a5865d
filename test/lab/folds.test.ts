import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultRecipe } from '../../daemon/training/recipe.ts';
import { type CorpusClip, familyOf } from '../../scripts/lab/corpus.ts';
import { sourceFolds, systemFolds } from '../../scripts/lab/folds.ts';
import { summarize } from '../../scripts/lab/summary.ts';
import { vary } from '../../scripts/lab/variants.ts';

/** Twelve speakers of two sources with four recordings each, every second one also resynthesised by one of six families. */
function corpus(): CorpusClip[] {
  const clips: CorpusClip[] = [];
  for (let speaker = 0; speaker < 12; speaker++) {
    for (let take = 0; take < 4; take++) {
      const originalPath = `s${speaker}/${take}.wav`;
      const shared = { speaker: `s${speaker}`, source: `source ${speaker % 2}`, originalPath };
      const genuine: CorpusClip = {
        ...shared,
        path: originalPath,
        label: 0,
        system: 'human',
        family: 'human',
        extra: false,
      };
      clips.push(genuine);
      const family = `family ${(speaker + take) % 6}`;
      const fake: CorpusClip = { ...genuine, path: `fake/${originalPath}`, label: 1, system: family, family };
      if (take % 2 === 0) clips.push(fake);
      if (take === 1) clips.push({ ...fake, system: 'elsewhere', family: 'elsewhere', extra: true });
    }
  }
  return clips;
}

describe('folds over systems', () => {
  const clips = corpus();
  const folds = systemFolds(clips, 3, 1);

  it('test every own clip once or not at all, and no further clip', () => {
    const tested = folds.flatMap(({ test }) => test);
    assert.equal(new Set(tested).size, tested.length);
    assert.equal(tested.length, clips.filter(({ extra }) => !extra).length);
  });

  for (const { name, training, test } of folds) {
    const tested = test.map((index) => clips[index]);
    const trained = training.map((index) => clips[index]);
    const genuine = tested.filter(({ label }) => label === 0);

    it(`train on no family that they test (${name})`, () => {
      const families = new Set(tested.filter(({ label }) => label === 1).map(({ family }) => family));
      assert.ok(families.size > 0 && trained.length > 0);
      assert.deepEqual(
        trained.filter(({ label, family }) => label === 1 && families.has(family)),
        [],
      );
    });

    it(`train on nothing of a genuine speaker that they test, nor on a copy of a clip (${name})`, () => {
      const speakers = new Set(genuine.map(({ speaker }) => speaker));
      const originals = new Set(genuine.map(({ originalPath }) => originalPath));
      assert.ok(speakers.size > 0);
      assert.deepEqual(
        trained.filter(({ speaker, originalPath }) => speakers.has(speaker) || originals.has(originalPath)),
        [],
      );
    });

    it(`train on further clips of speakers that they do not test (${name})`, () => {
      assert.ok(trained.some(({ extra }) => extra));
    });
  }
});

describe('folds over sources', () => {
  it('train on nothing of the source that they test, which has both classes', () => {
    const clips = corpus();
    const folds = sourceFolds(clips, 2);
    assert.deepEqual(
      folds.map(({ name }) => name),
      ['source 0', 'source 1'],
    );
    for (const { name, training, test } of folds) {
      assert.ok(test.every((index) => clips[index].source === name && !clips[index].extra));
      assert.ok(training.length > 0 && training.every((index) => clips[index].source !== name));
    }
  });
});

describe('vocoder families', () => {
  it('keep systems together that share a vocoder', () => {
    assert.equal(familyOf('Tacotron2+WaveNet(r9y9)'), familyOf('WaveNet(MoL)'));
    assert.equal(familyOf('Lyra v2 3.2k'), familyOf('Lyra v2 (unquantised)'));
    assert.equal(familyOf('FastSpeech2+HiFi-GAN'), familyOf('HiFi-GAN (lectura)'));
    assert.notEqual(familyOf('UniversalMelGAN'), familyOf('FB-MelGAN'));
  });
});

describe('a summary', () => {
  it('has the error rates of each fold and of all folds under one threshold', () => {
    const clips = corpus();
    const [first, second] = systemFolds(clips, 3, 1);
    const score = (index: number, shift: number) => (clips[index].label === 1 ? 1 : -1) + shift;
    const runs = [first, second].map(({ name, test }, fold) => ({
      fold: name,
      seed: 1,
      test,
      logits: test.map((index) => score(index, 10 * fold)),
      seconds: 1,
    }));
    const summary = summarize('made', clips, runs);
    assert.equal(summary.meanEer, 0);
    assert.equal(summary.worstEer, 0);
    assert.equal(summary.joinedMeanEer, 0);
    assert.ok(summary.pooledEer > 0.2, 'logits of different folds do not share a threshold here');
  });
});

describe('a summary of several seeds', () => {
  it('tells the mean of the seeds apart from the seeds joined', () => {
    const clips = corpus();
    const [{ name, test }] = systemFolds(clips, 3, 1);
    // Each seed is wrong about clips that the others are surer of.
    const runs = [1, 2, 3].map((seed) => ({
      fold: name,
      seed,
      test,
      logits: test.map((index, i) => (clips[index].label === 1 ? 1 : -1) * (i % 3 === seed - 1 ? -1.5 : 1)),
      seconds: 1,
    }));
    const summary = summarize('made', clips, runs);
    assert.ok(summary.meanEer > 0.2);
    assert.equal(summary.joinedMeanEer, 0);
    assert.equal(summary.joinedWorstEer, 0);
  });
});

describe('a variant', () => {
  it('changes the fields that it names, and takes away what it sets to null', () => {
    const varied = vary(defaultRecipe, 'short: epochs=3; features.nFft=1024; augmentation.noise=null');
    assert.deepEqual([varied.name, varied.epochs, varied.features.nFft], ['short', 3, 1024]);
    assert.equal(varied.augmentation?.noise, undefined);
    assert.notEqual(defaultRecipe.augmentation?.noise, undefined);
  });

  it('of a field that does not exist is refused', () => {
    assert.throws(() => vary(defaultRecipe, 'x: epoch=3'), RangeError);
  });
});
