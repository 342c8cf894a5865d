import { bootstrapIntervals, type Interval } from '../../daemon/evaluation/bootstrap.ts';
import { areaUnderRoc, equalErrorRate, tally, tallyEqualErrorRate } from '../../daemon/evaluation/metrics.ts';
import type { CorpusClip } from './corpus.ts';
import type { FoldScores } from './crossValidation.ts';

/** One recipe's cross-validation in numbers; rates are shares in [0, 1]. */
export interface Summary {
  recipe: string;
  folds: { fold: string; seed: number; eer: number; genuine: number; deepfake: number; seconds: number }[];
  seeds: number[];
  /** Mean over folds and seeds, and over folds of the worst fold's mean over seeds. */
  meanEer: number;
  worstEer: number;
  /** The same of each clip's mean logit over seeds, which is what the networks joined into one would give. */
  joinedMeanEer: number;
  joinedWorstEer: number;
  /** Standard deviation, over seeds, of the mean over folds. */
  seedDeviation: number;
  /** Of each clip's mean logit over seeds, all folds together under one threshold. */
  pooledEer: number;
  pooledEerInterval: Interval;
  auc: number;
  threshold: number;
  /** What each fold held out: the mean over seeds, and the interval of the logits' mean over seeds. */
  heldOut: { name: string; genuine: number; deepfake: number; eer: number; eerInterval: Interval }[];
  systems: GroupSummary[];
  sources: GroupSummary[];
}

export interface GroupSummary {
  name: string;
  clips: number;
  /** Share on the wrong side of the pooled threshold. */
  errorRate: number;
  /** Against all genuine clips of the folds that tested it; absent for genuine groups. */
  eer?: number;
  eerInterval?: Interval;
}

const BOOTSTRAP = { seed: 42, replicates: 1000, level: 0.95 };

const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Out-of-fold logits, averaged over seeds. */
export function pooledScores(
  clips: CorpusClip[],
  runs: FoldScores[],
): { index: number; fold: string; logit: number; label: 0 | 1 }[] {
  const pooled = new Map<string, { index: number; fold: string; logits: number[] }>();
  for (const { fold, test, logits } of runs) {
    test.forEach((index, i) => {
      const key = `${fold}/${index}`;
      const entry = pooled.get(key) ?? { index, fold, logits: [] };
      entry.logits.push(logits[i]);
      pooled.set(key, entry);
    });
  }
  return [...pooled.values()].map(({ index, fold, logits }) => ({
    index,
    fold,
    logit: mean(logits),
    label: clips[index].label,
  }));
}

interface Labelled {
  logit: number;
  label: 0 | 1;
}

const logitsAndLabels = (scores: Labelled[]): [number[], number[]] => [
  scores.map(({ logit }) => logit),
  scores.map(({ label }) => label),
];

const eerOf = (scores: Labelled[]): number => equalErrorRate(...logitsAndLabels(scores)).eer;

const eerInterval = (scores: Labelled[]): Interval =>
  bootstrapIntervals(
    ...logitsAndLabels(scores),
    (replicate) => ({ eer: tallyEqualErrorRate(replicate).eer }),
    BOOTSTRAP,
  ).eer;

export function summarize(recipe: string, clips: CorpusClip[], runs: FoldScores[]): Summary {
  const folds = runs.map(({ fold, seed, test, logits, seconds }) => {
    const labels = test.map((index) => clips[index].label);
    const deepfake = labels.filter((label) => label === 1).length;
    const { eer } = equalErrorRate(logits, labels);
    return { fold, seed, eer, genuine: test.length - deepfake, deepfake, seconds };
  });
  const seeds = [...new Set(runs.map(({ seed }) => seed))];
  const foldNames = [...new Set(runs.map(({ fold }) => fold))];
  const bySeed = seeds.map((seed) => mean(folds.filter((f) => f.seed === seed).map(({ eer }) => eer)));
  const byFold = foldNames.map((name) => mean(folds.filter((f) => f.fold === name).map(({ eer }) => eer)));
  const pooled = pooledScores(clips, runs);
  const logits = pooled.map(({ logit }) => logit);
  const labels = pooled.map(({ label }) => label);
  const counts = tally(logits, labels);
  const { eer, threshold } = tallyEqualErrorRate(counts);

  const groups = (label: 0 | 1, nameOf: (clip: CorpusClip) => string): GroupSummary[] => {
    const members = pooled.filter((score) => score.label === label);
    return [...new Set(members.map(({ index }) => nameOf(clips[index])))]
      .map((name) => {
        const own = members.filter(({ index }) => nameOf(clips[index]) === name);
        const wrong = own.filter(({ logit }) => logit >= threshold !== (label === 1)).length;
        const summary = { name, clips: own.length, errorRate: wrong / own.length };
        if (label === 0) return summary;
        const ownFolds = new Set(own.map(({ fold }) => fold));
        const compared = [...own, ...pooled.filter((s) => s.label === 0 && ownFolds.has(s.fold))];
        return { ...summary, eer: eerOf(compared), eerInterval: eerInterval(compared) };
      })
      .sort((a, b) => b.errorRate - a.errorRate);
  };
  const average = mean(bySeed);
  const joined = foldNames.map((name) => eerOf(pooled.filter(({ fold }) => fold === name)));
  return {
    recipe,
    folds,
    seeds,
    meanEer: average,
    worstEer: Math.max(...byFold),
    joinedMeanEer: mean(joined),
    joinedWorstEer: Math.max(...joined),
    seedDeviation:
      seeds.length > 1
        ? Math.sqrt(bySeed.reduce((sum, value) => sum + (value - average) ** 2, 0) / (seeds.length - 1))
        : 0,
    pooledEer: eer,
    pooledEerInterval: eerInterval(pooled),
    auc: areaUnderRoc(counts),
    threshold,
    heldOut: foldNames.map((name, i) => {
      const own = pooled.filter(({ fold }) => fold === name);
      const deepfake = own.filter(({ label }) => label === 1).length;
      return {
        name,
        genuine: own.length - deepfake,
        deepfake,
        eer: byFold[i],
        eerInterval: eerInterval(own),
      };
    }),
    systems: groups(1, ({ family }) => family),
    sources: groups(0, ({ source }) => source),
  };
}

/** With one decimal, as the tables have it. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const range = ([low, high]: Interval): string => `${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)}`;
/** Families with fewer clips do not count in the mean over families. */
const FEWEST_RATED = 5;

/** One row per recipe, then each recipe's errors by vocoder family and by genuine source. */
export function markdown(summaries: Summary[]): string {
  const lines = [
    '| recipe | folds × seeds | mean EER | worst fold | ± over seeds | seeds joined: mean, worst fold | pooled EER (95 % interval) | AUC | s per training |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  for (const s of summaries) {
    const [low, high] = s.pooledEerInterval;
    const deviation = s.seeds.length > 1 ? percent(s.seedDeviation) : '–';
    lines.push(
      `| ${s.recipe} | ${s.folds.length / s.seeds.length} × ${s.seeds.length} | ${percent(s.meanEer)} | ${percent(s.worstEer)} | ${deviation} | ${percent(s.joinedMeanEer)}, ${percent(s.joinedWorstEer)} | ${percent(s.pooledEer)} (${percent(low)}–${percent(high)}) | ${s.auc.toFixed(3)} | ${mean(s.folds.map(({ seconds }) => seconds)).toFixed(0)} |`,
    );
  }
  for (const s of summaries) {
    lines.push('', `${s.recipe}: what each fold held out`, '');
    lines.push('| held out | genuine + synthetic | EER (95 % interval) |', '|---|---|---|');
    for (const { name, genuine, deepfake, eer, eerInterval } of s.heldOut)
      lines.push(`| ${name} | ${genuine} + ${deepfake} | ${percent(eer)} (${range(eerInterval)}) |`);
    const worst = s.heldOut.reduce((a, b) => (b.eer > a.eer ? b : a));
    lines.push(`| mean; worst | | ${percent(s.meanEer)}; ${percent(worst.eer)} (${worst.name}) |`);
    lines.push('', `${s.recipe}: misses at the pooled threshold`, '');
    lines.push('| synthesis | clips | missed | EER (95 % interval) |', '|---|---|---|---|');
    for (const g of s.systems)
      lines.push(
        `| ${g.name} | ${g.clips} | ${percent(g.errorRate)} | ${percent(g.eer ?? 0)} (${range(g.eerInterval ?? [0, 1])}) |`,
      );
    const rated = s.systems.filter(({ clips }) => clips >= FEWEST_RATED);
    if (rated.length > 0) {
      const hardest = rated.reduce((a, b) => ((b.eer ?? 0) > (a.eer ?? 0) ? b : a));
      const average = mean(rated.map(({ eer }) => eer ?? 0));
      lines.push(
        `| mean; worst of ${rated.length} with ${FEWEST_RATED} clips and more | | | ${percent(average)}; ${percent(hardest.eer ?? 0)} (${hardest.name}) |`,
      );
    }
    lines.push('', '| genuine source | clips | false alarms |', '|---|---|---|');
    for (const g of s.sources) lines.push(`| ${g.name} | ${g.clips} | ${percent(g.errorRate)} |`);
  }
  return `${lines.join('\n')}\n`;
}
