import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { loadAudio } from '../../daemon/audio/loadAudio.ts';
import { usableCodecs } from '../../daemon/audio/lossyCodecs.ts';
import { bootstrapIntervals, type Interval } from '../../daemon/evaluation/bootstrap.ts';
import { coverageErrorCurve, errorsAtCoverage } from '../../daemon/evaluation/calibration.ts';
import {
  areaUnderRoc,
  confusionMatrix,
  equalErrorRate,
  logitOf,
  logLikelihoodRatioCost,
  ratesOf,
  type Tally,
  tally,
  tallyEqualErrorRate,
} from '../../daemon/evaluation/metrics.ts';
import { AnalysisPool } from '../../daemon/features/analysisPool.ts';
import { Classifier } from '../../daemon/inference/classifier.ts';
import { readModel } from '../../daemon/model/checkpoint.ts';
import { OnnxRuntimeEngine } from '../../daemon/model/onnxRuntimeEngine.ts';
import { seededRandom } from '../../daemon/random.ts';
import type { Decision } from '../../shared/verdict.ts';
import { encodeWav } from '../encodeWav.ts';
import type { CorpusClip } from './corpus.ts';
import { percent } from './summary.ts';
import { TREATMENTS, type Treatment } from './treatments.ts';

/** Measures of one set of clips; rates are shares in [0, 1], intervals of 95 %. */
export interface GroupScores {
  name: string;
  genuine: number;
  deepfake: number;
  eer: number;
  eerInterval: Interval;
  /** Of the Python reference's published checkpoint on the same clips, where the corpus has its scores. */
  referenceEer?: number;
  auc: number;
  /** At the model's threshold. */
  accuracy: number;
  accuracyInterval: Interval;
  genuineAccuracy: number;
  deepfakeAccuracy: number;
  f1: number;
  hter: number;
  /** Bits. */
  cllr: number;
  /** Clips with a label, and how many of these are right. */
  decided: number;
  decidedRight: number;
  /** Clips that a check of the input refuses, whatever they score. */
  refused: number;
}

/** A model on the clips of a manifest. */
export interface ScoreReport {
  model: string;
  checkpointSha256: string;
  manifest: string;
  part: string;
  threshold: number;
  inconclusive: { low: number; high: number } | null;
  /** All clips, then each source that has both classes. */
  groups: GroupScores[];
  /** The surest shares of the clips, and the share of wrong labels among them. */
  coverage: { decided: number; wrong: number }[];
  /** Empty where it was not asked for; the first row is the clips as they are. */
  robustness: GroupScores[];
  /** Treatments that were left out because ffmpeg is missing. */
  left: string[];
}

export interface ScoringOptions {
  /** Checkpoint, with `model_config.json` beside it. */
  checkpoint: string;
  manifest: string;
  part: string;
  /** Also after each treatment. */
  robustness: boolean;
  onProgress?: (line: string) => void;
}

const BOOTSTRAP = { seed: 42, replicates: 1000, level: 0.95 };
const COVERAGE_SHARES = [0.1, 0.25, 0.5, 0.75, 0.9, 1];
/** Sources with fewer clips of a class are not measured on their own. */
const MINIMUM_PER_CLASS = 5;

interface Answer {
  probability: number;
  decision: Decision;
  refused: boolean;
}

/** Scores clips as `predict` does, and again after each treatment. */
export async function scoreModel(clips: CorpusClip[], options: ScoringOptions): Promise<ScoreReport> {
  const pool = new AnalysisPool();
  const classifier = await Classifier.create(
    await readModel(options.checkpoint),
    new OnnxRuntimeEngine(),
    pool,
  );
  const folder = await mkdtemp(join(tmpdir(), 'deepfake-audio-lab-'));
  try {
    const { config, facts } = classifier.model;
    const reference = await referenceScores(options.manifest);
    const measureGroup = (name: string, answers: Answer[], of: CorpusClip[]): GroupScores => {
      const known = of.map(({ path }) => reference.get(path));
      const isKnown = known.every((score) => score !== undefined);
      const labels = of.map(({ label }) => label);
      return {
        ...groupScores(name, answers, of, config.threshold),
        ...(isKnown ? { referenceEer: equalErrorRate(known as number[], labels).eer } : {}),
      };
    };
    const answers = await answersFor(classifier, clips);
    const codecs = TREATMENTS.flatMap(({ codec }) => codec ?? []);
    const usable = options.robustness ? await usableCodecs(codecs) : [];
    const treatments = TREATMENTS.slice(1).filter(
      ({ codec }) => options.robustness && (codec === undefined || usable.includes(codec)),
    );
    const robustness: GroupScores[] = [];
    const treatedGroup = (name: string, treated: Answer[]) =>
      groupScores(name, treated, clips, config.threshold);
    if (options.robustness) robustness.push(treatedGroup(TREATMENTS[0].name, answers));
    for (const treatment of treatments) {
      const group = measureGroup(
        treatment.name,
        await answersFor(classifier, clips, treatment, folder),
        clips,
      );
      options.onProgress?.(`${group.name}: EER ${(100 * group.eer).toFixed(1)} %`);
      robustness.push(group);
    }
    const probabilities = answers.map(({ probability }) => probability);
    const labels = clips.map(({ label }) => label);
    const curve = coverageErrorCurve(probabilities, labels, config.threshold);
    return {
      model: config.name,
      checkpointSha256: facts.sha256,
      manifest: basename(options.manifest),
      part: options.part,
      threshold: config.threshold,
      inconclusive: config.inconclusive,
      groups: [
        measureGroup('all', answers, clips),
        ...groupsOf(clips).map(([name, indices]) =>
          measureGroup(
            name,
            indices.map((index) => answers[index]),
            indices.map((index) => clips[index]),
          ),
        ),
      ],
      coverage: errorsAtCoverage(curve, COVERAGE_SHARES).map(({ coverage, error }) => ({
        decided: coverage,
        wrong: error,
      })),
      robustness,
      left: options.robustness
        ? TREATMENTS.filter(({ codec }) => codec !== undefined && !usable.includes(codec)).map(
            ({ name }) => name,
          )
        : [],
    };
  } finally {
    await classifier.dispose();
    await pool.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The reference's logits by path, from reference_scores.csv beside the manifest. */
async function referenceScores(manifest: string): Promise<Map<string, number>> {
  const folder = dirname(manifest);
  const text = await readFile(join(folder, 'reference_scores.csv'), 'utf8').catch(() => '');
  const rows: Record<string, string>[] = parse(text, { columns: true, bom: true });
  return new Map(rows.map(({ path, logit }) => [join(folder, path), Number(logit)]));
}

async function answersFor(
  classifier: Classifier,
  clips: CorpusClip[],
  treatment?: Treatment,
  folder = '',
): Promise<Answer[]> {
  const { sampleRate } = classifier.model.config.features;
  const answers = new Array<Answer>(clips.length);
  await classifier.pool.forEach(clips, async ({ path }, index) => {
    let file = path;
    if (treatment !== undefined) {
      const { samples } = await loadAudio(path, { sampleRate });
      const treated = await treatment.apply(samples, sampleRate, seededRandom(1, index));
      file = join(folder, `${index}.wav`);
      await writeFile(file, encodeWav(treated, sampleRate));
    }
    const { deepfakeProbability, decision, reasons } = await classifier.classify(file);
    const band = classifier.model.config.inconclusive;
    const isInside = band !== null && deepfakeProbability > band.low && deepfakeProbability < band.high;
    answers[index] = {
      probability: deepfakeProbability,
      decision,
      refused: reasons.length > (isInside ? 1 : 0),
    };
  });
  return answers;
}

/** Sources with enough clips of both classes, by name. */
function groupsOf(clips: CorpusClip[]): [string, number[]][] {
  const groups = new Map<string, number[]>();
  clips.forEach(({ source }, index) => {
    groups.set(source, [...(groups.get(source) ?? []), index]);
  });
  const count = (indices: number[], label: number) =>
    indices.filter((index) => clips[index].label === label).length;
  return [...groups]
    .filter(([, indices]) => Math.min(count(indices, 0), count(indices, 1)) >= MINIMUM_PER_CLASS)
    .sort(([a], [b]) => a.localeCompare(b));
}

function groupScores(name: string, answers: Answer[], clips: CorpusClip[], threshold: number): GroupScores {
  const probabilities = answers.map(({ probability }) => probability);
  const labels = clips.map(({ label }) => label);
  const counts = tally(probabilities, labels);
  const statistics = (replicate: Tally) => ({
    eer: tallyEqualErrorRate(replicate).eer,
    accuracy: ratesOf(confusionMatrix(replicate, threshold)).accuracy,
  });
  const intervals = bootstrapIntervals(probabilities, labels, statistics, BOOTSTRAP);
  const rates = ratesOf(confusionMatrix(counts, threshold));
  const decided = answers.map(({ decision }, i) => ({ decision, label: labels[i] }));
  const withLabel = decided.filter(({ decision }) => decision !== 'Inconclusive');
  return {
    name,
    genuine: counts.genuineTotal,
    deepfake: counts.deepfakeTotal,
    eer: tallyEqualErrorRate(counts).eer,
    eerInterval: intervals.eer,
    auc: areaUnderRoc(counts),
    accuracy: rates.accuracy,
    accuracyInterval: intervals.accuracy,
    genuineAccuracy: rates.perClassAccuracy.Genuine,
    deepfakeAccuracy: rates.perClassAccuracy.Deepfake,
    f1: rates.f1,
    hter: rates.hter,
    cllr: logLikelihoodRatioCost({ ...counts, scores: counts.scores.map(logitOf) }),
    decided: withLabel.length,
    decidedRight: withLabel.filter(({ decision, label }) => (decision === 'Deepfake') === (label === 1))
      .length,
    refused: answers.filter(({ refused }) => refused).length,
  };
}

export const rateWithInterval = (rate: number, [low, high]: Interval): string =>
  `${percent(rate)} (${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)})`;

/** The report as tables. */
export function scoreMarkdown({ groups, coverage, robustness, left }: ScoreReport): string {
  const lines = [
    ...scoreTable(groups),
    '',
    '| clips decided, the surest first | wrong |',
    '|---|---|',
    ...coverage.map(({ decided, wrong }) => `| ${(100 * decided).toFixed(0)} % | ${percent(wrong)} |`),
  ];
  if (robustness.length > 0) lines.push('', ...robustnessTable(robustness));
  if (left.length > 0)
    lines.push('', `Left out, because ffmpeg does not encode them here: ${left.join(', ')}.`);
  return `${lines.join('\n')}\n`;
}

/** A row per group, with the reference's EER where it is known. */
export const scoreTable = (groups: GroupScores[]): string[] => [
  '| clips | genuine + synthetic | EER (95 % interval) | reference’s EER | AUC | accuracy (95 % interval) | HTER | Cllr, bits | decided | of them right |',
  '|---|---|---|---|---|---|---|---|---|---|',
  ...groups.map(
    (g) =>
      `| ${g.name} | ${g.genuine} + ${g.deepfake} | ${rateWithInterval(g.eer, g.eerInterval)} | ${g.referenceEer === undefined ? '–' : percent(g.referenceEer)} | ${g.auc.toFixed(3)} | ${rateWithInterval(g.accuracy, g.accuracyInterval)} | ${percent(g.hter)} | ${g.cllr.toFixed(3)} | ${g.decided} | ${decidedShare(g)} |`,
  ),
];

export const robustnessTable = (rows: GroupScores[]): string[] => [
  '| after | genuine + synthetic | EER (95 % interval) | times that of the clips as they are | decided | of them right | refused by a check |',
  '|---|---|---|---|---|---|---|',
  ...rows.map(
    (g) =>
      `| ${g.name} | ${g.genuine} + ${g.deepfake} | ${rateWithInterval(g.eer, g.eerInterval)} | ${(g.eer / rows[0].eer).toFixed(2)} | ${g.decided} | ${decidedShare(g)} | ${g.refused} |`,
  ),
];

const decidedShare = ({ decided, decidedRight }: GroupScores): string =>
  decided === 0 ? '–' : `${decidedRight} (${percent(decidedRight / decided)})`;
