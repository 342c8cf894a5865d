import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClassIndex } from '../../daemon/dataset/labels.ts';
import { splitIntoParts, stratifiedSplit } from '../../daemon/dataset/split.ts';
import type { SplitName } from '../../shared/datasetNames.ts';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';

const clipsOf = (genuine: number, deepfake: number) =>
  Array.from({ length: genuine + deepfake }, (_, id) => ({
    id,
    label: (id < genuine ? 0 : 1) as ClassIndex,
  }));

const sizes = (genuine: number, deepfake: number, valSize: number) => {
  const { validation } = stratifiedSplit(clipsOf(genuine, deepfake), { valSize, seed: 42 });
  const deepfakes = validation.filter(({ label }) => label === 1).length;
  return [validation.length - deepfakes, deepfakes];
};

describe('the stratified split', () => {
  it('sends the rounded share of each class to validation', () => {
    assert.deepEqual(sizes(873, 92, 0.2), [175, 18]);
  });

  it('rounds halves to even, as Python does', () => {
    // Python 3.11: round(0.5), round(1.5), round(2.5), round(3.5), round(12.5) = 0, 2, 2, 4, 12; at least one stays.
    assert.deepEqual(sizes(2, 3, 0.5), [1, 2]);
    assert.deepEqual(sizes(5, 7, 0.5), [2, 4]);
    assert.deepEqual(sizes(50, 10, 0.25), [12, 2]);
  });

  it('leaves every class at least one clip on either side', () => {
    assert.deepEqual(sizes(2, 3, 0.01), [1, 1]);
    assert.deepEqual(sizes(2, 3, 0.99), [1, 2]);
  });

  it('loses and repeats no clip and keeps the order given', () => {
    const clips = clipsOf(57, 31);
    const { training, validation } = stratifiedSplit(clips, { valSize: 0.2, seed: 1 });
    assert.deepEqual(
      [...training, ...validation].sort((a, b) => a.id - b.id),
      clips,
    );
    for (const part of [training, validation]) {
      assert.deepEqual(
        part,
        part.toSorted((a, b) => a.id - b.id),
      );
    }
  });

  it('depends on the seed and on nothing else', () => {
    const validationOf = (seed: number) =>
      stratifiedSplit(clipsOf(100, 100), { valSize: 0.2, seed }).validation.map(({ id }) => id);
    assert.deepEqual(validationOf(42), validationOf(42));
    assert.notDeepEqual(validationOf(42), validationOf(43));
  });

  it('gives every clip the same chance of validation', () => {
    const times = new Array(20).fill(0);
    const rounds = 4000;
    for (let seed = 0; seed < rounds; seed++) {
      for (const { id } of stratifiedSplit(clipsOf(10, 10), { valSize: 0.3, seed }).validation) {
        times[id]++;
      }
    }
    // Binomial(4000, 0.3): standard deviation 29; five of them either way.
    assert.ok(
      times.every((count) => Math.abs(count - 1200) < 145),
      `${times}`,
    );
  });

  it('refuses a class of one clip and a share outside 0 to 1', () => {
    const expectError = (code: ErrorCode, message: RegExp) => (error: unknown) =>
      error instanceof DeepfakeError && error.code === code && message.test(error.message);
    assert.throws(
      () => stratifiedSplit(clipsOf(1, 5), { valSize: 0.2, seed: 1 }),
      expectError(ErrorCode.DatasetOneClass, /Genuine has 1 clip/),
    );
    for (const valSize of [0, 1, -0.2, Number.NaN]) {
      assert.throws(
        () => stratifiedSplit(clipsOf(5, 5), { valSize, seed: 1 }),
        expectError(ErrorCode.InvalidArguments, /between 0 and 1/),
      );
    }
  });
});

describe('the parts of a data set', () => {
  /** Clips as letters: a part's initial (or - for none), then the class. */
  const clipsFrom = (text: string) =>
    text.split(' ').map((word, id) => ({
      id,
      label: Number(word[1]) as ClassIndex,
      split: { t: 'training', v: 'validation', e: 'testing', '-': undefined }[word[0]] as
        | SplitName
        | undefined,
    }));
  const partsOf = (text: string) => {
    const { training, validation, testing } = splitIntoParts(clipsFrom(text), { valSize: 0.5, seed: 1 });
    return [training, validation, testing].map((part) => part.map(({ id }) => id));
  };

  it('are the ones that folder names declare', () => {
    assert.deepEqual(partsOf('t0 t1 v0 v1 e0 e1'), [
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    assert.deepEqual(partsOf('-0 -1 v0 v1'), [[0, 1], [2, 3], []]);
  });

  it('never train or select on what is declared to be for testing', () => {
    const [training, validation, testing] = partsOf('t0 t0 t1 t1 e0 e1');
    assert.deepEqual(testing, [4, 5]);
    assert.deepEqual([...training, ...validation].sort(), [0, 1, 2, 3]);
    assert.deepEqual([training.length, validation.length], [2, 2]);
  });

  it('do not count as declared where they lack a class', () => {
    assert.deepEqual(
      partsOf('t0 t0 t1 t1 v0 e1').map(({ length }) => length),
      [2, 4, 0],
    );
  });

  it('are split anew where nothing would be left to train on', () => {
    const [training, validation, testing] = partsOf('v0 v1 e0 e1');
    assert.deepEqual([training.length, validation.length, testing.length], [2, 2, 0]);
  });
});
