import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFilesAtomically } from '../../daemon/files.ts';
import { readModel } from '../../daemon/model/checkpoint.ts';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import { CHECKPOINT_NAME } from '../../shared/modelFiles.ts';
import { rateWithInterval, robustnessTable, type ScoreReport, scoreTable } from './scoring.ts';
import { percent, type Summary } from './summary.ts';

export const CARD_NAME = 'model_card.json';
const BEGIN = '<!-- figures of model_card.json, written by npm run lab -- --card -->';
const END = '<!-- end of the figures -->';

/** The figures of a model card, for machines; the same as those of README.md beside it. */
export interface ModelCard {
  model: string;
  checkpoint_sha256: string;
  training_clips: number | null;
  recipe: unknown;
  inconclusive: { low: number; high: number } | null;
  cross_validation: Summary;
  scored: ScoreReport;
}

/** Writes model_card.json of a model folder, and its figures into README.md there. Throws ConfigInvalid where the reports are of another model. */
export async function writeCard(folder: string, labFile: string, scoredFile: string): Promise<void> {
  const { config, facts } = await readModel(join(folder, CHECKPOINT_NAME));
  const scored: ScoreReport = JSON.parse(await readFile(scoredFile, 'utf8'));
  const { summaries }: { summaries: Summary[] } = JSON.parse(await readFile(labFile, 'utf8'));
  if (scored.checkpointSha256 !== facts.sha256) {
    const message = `${scoredFile} is about another model than the one in ${folder}: score that one (npm run lab -- --score).`;
    throw new DeepfakeError(ErrorCode.ConfigInvalid, message, scoredFile);
  }
  const training = config.training ?? {};
  const card: ModelCard = {
    model: config.name,
    checkpoint_sha256: facts.sha256,
    training_clips: typeof training.training_clips === 'number' ? training.training_clips : null,
    recipe: training.recipe,
    inconclusive: config.inconclusive,
    cross_validation: summaries[summaries.length - 1],
    scored,
  };
  const readme = join(folder, 'README.md');
  const text = await readFile(readme, 'utf8');
  await writeFilesAtomically([
    { path: join(folder, CARD_NAME), data: `${JSON.stringify(card, null, 2)}\n` },
    { path: readme, data: withFigures(text, card, readme) },
  ]);
}

/** A card's text with its figures replaced by these. Throws ConfigInvalid where it has no place for them. */
export function withFigures(text: string, card: ModelCard, path: string): string {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) {
    const message = `${path} has no place for the figures: put the lines ${BEGIN} and ${END} where they belong.`;
    throw new DeepfakeError(ErrorCode.ConfigInvalid, message, path);
  }
  return `${text.slice(0, from)}${BEGIN}\n\n${figures(card)}\n${text.slice(to)}`;
}

function figures({ checkpoint_sha256, cross_validation: cv, scored, inconclusive }: ModelCard): string {
  const folds = new Set(cv.folds.map(({ fold }) => fold)).size;
  const count = (groups: { clips: number }[]) => groups.reduce((sum, { clips }) => sum + clips, 0);
  const lines = [
    `SHA-256 of the weights: \`${checkpoint_sha256}\`.`,
    '',
    `Cross-validation, families of synthesis and speakers held out, ${folds} folds × ${cv.seeds.length} seeds, ${count(cv.sources)} genuine + ${count(cv.systems)} synthetic clips: mean EER ${percent(cv.meanEer)}, worst fold ${percent(cv.worstEer)}, pooled EER ${rateWithInterval(cv.pooledEer, cv.pooledEerInterval)}, AUC ${cv.auc.toFixed(3)}.`,
    '',
    `Part \`${scored.part}\` of the corpus, at the threshold of ${scored.threshold}:`,
    '',
    ...scoreTable(scored.groups),
    '',
    inconclusive === null
      ? 'The model has no Inconclusive band.'
      : `Probabilities between ${inconclusive.low.toFixed(2)} and ${inconclusive.high.toFixed(2)} are Inconclusive.`,
    '',
    '| clips decided, the surest first | wrong |',
    '|---|---|',
    ...scored.coverage.map(({ decided, wrong }) => `| ${(100 * decided).toFixed(0)} % | ${percent(wrong)} |`),
  ];
  if (scored.robustness.length > 0)
    lines.push(
      '',
      'The same clips after what may happen to a recording:',
      '',
      ...robustnessTable(scored.robustness),
    );
  const worst = cv.systems.filter(({ clips }) => clips >= FEWEST_SHOWN).slice(0, WORST_SHOWN);
  lines.push(
    '',
    'Held out in cross-validation, the families that it missed most at one threshold:',
    '',
    '| synthesis | clips | missed | EER |',
    '|---|---|---|---|',
    ...worst.map((g) => `| ${g.name} | ${g.clips} | ${percent(g.errorRate)} | ${percent(g.eer ?? 0)} |`),
  );
  return `${lines.join('\n')}\n`;
}

const FEWEST_SHOWN = 5;
const WORST_SHOWN = 8;
