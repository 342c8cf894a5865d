import { seededRandom, shuffle } from '../../daemon/random.ts';
import type { CorpusClip } from './corpus.ts';

/** Clips to train on and clips to test on, as indices into the corpus. */
export interface Fold {
  name: string;
  training: number[];
  test: number[];
}

/**
 * Splits synthesis families and genuine speakers into `count` groups of about as many clips each. A fold tests one group of
 * families against one group of speakers, and trains on nothing of either, nor on copies of the genuine clips it tests.
 */
export function systemFolds(clips: CorpusClip[], count: number, seed: number): Fold[] {
  const own = clips.filter(({ extra }) => !extra);
  const families = balancedGroups(
    own.filter(({ label }) => label === 1).map(({ family }) => family),
    count,
    seed,
  );
  const speakers = balancedGroups(
    own.filter(({ label }) => label === 0).map(({ speaker }) => speaker),
    count,
    seed + 1,
  );
  return Array.from({ length: count }, (_, fold) => {
    const isTest = (clip: CorpusClip) =>
      !clip.extra &&
      (clip.label === 1 ? families.get(clip.family) === fold : speakers.get(clip.speaker) === fold);
    const isHeldOut = (clip: CorpusClip) =>
      speakers.get(clip.speaker) === fold || (clip.label === 1 && families.get(clip.family) === fold);
    return makeFold(`systems ${fold + 1}`, clips, isTest, isHeldOut);
  });
}

/** One fold per source: tests all of it, trains on nothing of it. Sources without both classes are left out. */
export function sourceFolds(clips: CorpusClip[], minimumPerClass: number): Fold[] {
  const own = clips.filter(({ extra }) => !extra);
  const count = (source: string, label: number) =>
    own.filter((clip) => clip.source === source && clip.label === label).length;
  return [...new Set(own.map(({ source }) => source))]
    .filter((source) => Math.min(count(source, 0), count(source, 1)) >= minimumPerClass)
    .sort()
    .map((source) =>
      makeFold(
        source,
        clips,
        (clip) => !clip.extra && clip.source === source,
        (clip) => clip.source === source,
      ),
    );
}

function makeFold(
  name: string,
  clips: CorpusClip[],
  isTest: (clip: CorpusClip) => boolean,
  isHeldOut: (clip: CorpusClip) => boolean,
): Fold {
  const originals = new Set(
    clips.filter((clip) => clip.label === 0 && isTest(clip)).map(({ originalPath }) => originalPath),
  );
  const indices = clips.map((_, index) => index);
  return {
    name,
    test: indices.filter((index) => isTest(clips[index])),
    training: indices.filter(
      (index) =>
        !isTest(clips[index]) && !isHeldOut(clips[index]) && !originals.has(clips[index].originalPath),
    ),
  };
}

/** Group of each value: the most frequent values first, each into the group with the fewest clips so far. */
function balancedGroups(values: string[], count: number, seed: number): Map<string, number> {
  const frequency = new Map<string, number>();
  for (const value of values) frequency.set(value, (frequency.get(value) ?? 0) + 1);
  const order = shuffle([...frequency.keys()].sort(), seededRandom(seed)).sort(
    (a, b) => (frequency.get(b) as number) - (frequency.get(a) as number),
  );
  const sizes = new Array<number>(count).fill(0);
  const groups = new Map<string, number>();
  for (const value of order) {
    const smallest = sizes.indexOf(Math.min(...sizes));
    groups.set(value, smallest);
    sizes[smallest] += frequency.get(value) as number;
  }
  return groups;
}
