// npm run lab: how well does a recipe do on synthesis and speakers that it has not met?
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { writeFileAtomically } from '../../daemon/files.ts';
import { packageRoot, shippedCheckpoint } from '../../daemon/paths.ts';
import { FeatureCache } from '../../daemon/training/featureCache.ts';
import { type Recipe, readRecipe, withUsableCodecs } from '../../daemon/training/recipe.ts';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import { writeCard } from './card.ts';
import { type CorpusClip, readCorpus } from './corpus.ts';
import { crossValidate, type FoldScores } from './crossValidation.ts';
import { type Fold, sourceFolds, systemFolds } from './folds.ts';
import { scoreMarkdown, scoreModel } from './scoring.ts';
import { ship } from './ship.ts';
import { markdown, type Summary, summarize } from './summary.ts';
import { vary } from './variants.ts';

interface LabOptions {
  corpus: string;
  extra: string[];
  part: string;
  recipe: string;
  variant: string[];
  folds: number;
  foldSeed: number;
  sources?: boolean;
  seeds: number;
  epochs?: number;
  quick?: boolean;
  jobs: number;
  networks?: string;
  featureCache?: string;
  out: string;
  from: string[];
  ship?: string;
  targetError: number;
  score?: string;
  robustness?: boolean;
  card?: string;
  scored?: string;
  limit?: number;
}

const collect = (value: string, previous: string[]) => [...previous, value];
/** Sources with fewer clips of a class are not tested on their own. */
const MINIMUM_PER_CLASS = 5;

const program = new Command('lab')
  .description('Cross-validates recipes over held-out synthesis systems and speakers, or held-out sources.')
  .option(
    '--corpus <manifest>',
    'corpus manifest',
    join(packageRoot, '..', 'shared', 'corpus', 'manifest.csv'),
  )
  .option('--extra <manifest>', 'further clips to train on (repeatable)', collect, [])
  .option('--part <name>', 'part of the manifest that is used', 'develop')
  .option('--recipe <name>', 'preset or recipe file', 'default')
  .option('--variant <changes>', "'name: path=value; path=value' of the recipe (repeatable)", collect, [])
  .option('--folds <n>', 'groups of systems and speakers', Number, 3)
  .option('--fold-seed <n>', 'which groups', Number, 1)
  .option('--sources', 'leave one source out instead')
  .option('--seeds <n>', 'trainings per fold', Number, 1)
  .option('--epochs <n>', 'instead of the recipe’s', Number)
  .option('--quick', 'a small version: 8 epochs on 1-s crops, without codecs')
  .option('--jobs <n>', 'trainings at a time', Number, 2)
  .option(
    '--networks <folder>',
    'keep the network of every fold and seed there; what is there is not trained again',
  )
  .option('--feature-cache <folder>', 'keep the clips’ features there for the next run')
  .option('--out <prefix>', 'where PREFIX.json and PREFIX.md go', join('reports', 'lab'))
  .option(
    '--ship <folder>',
    'then train the last recipe on everything, once per seed, and write the networks joined into one model there',
  )
  .option(
    '--from <file>',
    'with --ship: a cross-validation that --out wrote, instead of a new one (repeatable: the networks of all are joined)',
    collect,
    [],
  )
  .option(
    '--target-error <share>',
    'with --ship: wrong answers allowed outside the Inconclusive band',
    Number,
    0.12,
  )
  .option('--score <checkpoint>', 'score a model on the part instead: metrics and coverage–error curve')
  .option(
    '--robustness',
    'score a model (the shipped one by default), also after codecs, noise, rooms, trimming and gain',
  )
  .option('--limit <n>', 'with --score: only the first n clips of each class', Number)
  .option('--card <folder>', 'write the figures of --from and --scored into this model folder’s card')
  .option('--scored <file>', 'with --card: the JSON file that --score wrote')
  .action(run);

async function run(options: LabOptions): Promise<void> {
  if (options.card !== undefined) {
    if (options.from.length !== 1 || options.scored === undefined) {
      const message = 'A card needs the cross-validation’s figures (--from) and the model’s (--scored).';
      throw new DeepfakeError(ErrorCode.InvalidArguments, message);
    }
    return writeCard(options.card, options.from[0], options.scored);
  }
  if (options.score !== undefined || options.robustness) return score(options);
  const clips = await readCorpus(options.corpus, options.part, false);
  for (const manifest of options.extra) clips.push(...(await readCorpus(manifest, options.part, true)));
  const folds: Fold[] = options.sources
    ? sourceFolds(clips, MINIMUM_PER_CLASS)
    : systemFolds(clips, options.folds, options.foldSeed);
  const seeds = Array.from({ length: options.seeds }, (_, i) => i + 1);
  const base = await readRecipe(options.recipe);
  const recipes = (options.variant.length > 0 ? options.variant : [base.name]).map((text) =>
    vary(base, text),
  );
  const cache =
    options.featureCache === undefined ? undefined : await FeatureCache.open(options.featureCache);
  if (options.from.length > 0) return shipFrom(options.from, clips, options, cache);
  const summaries: Summary[] = [];
  const scores: Scored[] = [];
  for (const varied of recipes) {
    const recipe = await withUsableCodecs(shorten(varied, options), undefined, (line) => console.error(line));
    const runs = await crossValidate(clips, folds, seeds, recipe, {
      jobs: options.jobs,
      networks: options.networks,
      cache,
      onProgress: (line) => console.error(line),
    });
    summaries.push(summarize(recipe.name, clips, runs));
    scores.push({ recipe, runs });
    await writeReport(options.out, summaries, scores);
  }
  console.log(markdown(summaries));
  await shipIfAsked(clips, scores.slice(-1), options, cache);
}

async function score(options: LabOptions): Promise<void> {
  const clips = await readCorpus(options.corpus, options.part, false);
  const { limit = clips.length } = options;
  const ofClass = (label: number) => clips.filter((clip) => clip.label === label).slice(0, limit);
  const report = await scoreModel([...ofClass(0), ...ofClass(1)], {
    checkpoint: options.score ?? shippedCheckpoint,
    manifest: options.corpus,
    part: options.part,
    robustness: options.robustness === true,
    onProgress: (line) => console.error(line),
  });
  await writeFileAtomically(`${options.out}.json`, `${JSON.stringify(report, null, 2)}\n`);
  await writeFileAtomically(`${options.out}.md`, scoreMarkdown(report));
  console.log(scoreMarkdown(report));
}

/** What `--from` and `--card` read, and the same for people. */
async function writeReport(prefix: string, summaries: Summary[], scores: Scored[]): Promise<void> {
  await writeFileAtomically(`${prefix}.json`, `${JSON.stringify({ summaries, scores })}\n`);
  await writeFileAtomically(`${prefix}.md`, markdown(summaries));
}

interface Scored {
  recipe: Recipe;
  runs: FoldScores[];
}

async function shipFrom(
  files: string[],
  clips: CorpusClip[],
  options: LabOptions,
  cache?: FeatureCache,
): Promise<void> {
  const reports = await Promise.all(
    files.map(async (file): Promise<{ scores: Scored[] }> => JSON.parse(await readFile(file, 'utf8'))),
  );
  await shipIfAsked(
    clips,
    reports.map(({ scores }) => scores[scores.length - 1]),
    options,
    cache,
  );
}

async function shipIfAsked(
  clips: CorpusClip[],
  scored: Scored[],
  options: LabOptions,
  cache?: FeatureCache,
): Promise<void> {
  if (options.ship === undefined) return;
  const members = scored.flatMap(({ recipe, runs }) =>
    [...new Set(runs.map(({ seed }) => seed))].map((seed) => ({ recipe, seed })),
  );
  const runs = scored.flatMap((part) => part.runs);
  const summary = summarize(scored.map(({ recipe }) => recipe.name).join(' and '), clips, runs);
  // Of the networks together, where they come from several cross-validations.
  if (scored.length > 1) await writeReport(options.out, [summary], scored);
  await ship(clips, members, runs, summary, {
    folder: options.ship,
    jobs: options.jobs,
    networks: options.networks,
    cache,
    targetError: options.targetError,
    onProgress: (line) => console.error(line),
  });
}

function shorten(recipe: Recipe, { epochs, quick }: LabOptions): Recipe {
  // Codec round trips take longer than so short a training.
  const { codec, ...augmentation } = recipe.augmentation ?? {};
  const changed = quick ? { ...recipe, epochs: 8, augmentation: { ...augmentation, crop: 1 } } : recipe;
  return epochs === undefined ? changed : { ...changed, epochs };
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(`lab: ${error instanceof DeepfakeError ? error.message : messageOf(error)}`);
  if (!(error instanceof DeepfakeError)) console.error(error);
  process.exitCode = 1;
}
