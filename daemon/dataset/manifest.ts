import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { AUDIO_EXTENSIONS } from '../../shared/audioFiles.ts';
import { SPLIT_FOLDERS, type SplitName } from '../../shared/datasetNames.ts';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import { CLASS_NAMES } from '../../shared/verdict.ts';
import { type AudioTree, listAudioTree, type PathParts } from './audioTree.ts';
import { ACCEPTED_WORDS, type ClassIndex, labelOfFileName, labelOfFolders } from './labels.ts';
import { readMetadataLabels } from './metadata.ts';

/** A labelled audio file. */
export interface Clip {
  /** Absolute path. */
  path: string;
  /** 0 Genuine, 1 Deepfake. */
  label: ClassIndex;
  /** The part of the data set that a folder's name declares it to be. */
  split?: SplitName;
}

export interface Manifest {
  /** The given folder or the known training folder below it, absolute. */
  root: string;
  /** The data set's name: that of its folder, without the training folder's. */
  name: string;
  /** In path order; those of a known training folder first, then those of the validation and testing folders beside it. */
  clips: Clip[];
  /** How many of the clips each rule labelled. */
  labelSources: { metadata: number; folder: number; fileName: number };
  /** Oddities worth telling the user, one sentence each. */
  warnings: string[];
}

export interface DiscoveryOptions {
  /** Keep the first so many clips of each class, and of each part of a known layout, in path order. */
  samplePerClass?: number;
}

/** Training folders of Fake-or-Real and ASVspoof as they unpack, parent and child; the first that exists is used. */
export const KNOWN_TRAINING_FOLDERS = [
  ['LA norm', 'train'],
  ['LA norm', 'training'],
  ['for-norm', 'training'],
  ['for-original', 'training'],
];

const MAX_EXAMPLES = 5;

/**
 * The labelled audio files below `root`, or below the environment's DATASET_ROOT where none is given. Labels come
 * from metadata files, then folder names, then file names. Throws DeepfakeError DatasetNotFound, DatasetEmpty,
 * DatasetUnlabelled or DatasetOneClass: a label is never guessed.
 */
export async function discoverDataset(
  root: string | undefined,
  options: DiscoveryOptions = {},
): Promise<Manifest> {
  const { samplePerClass } = options;
  if (samplePerClass !== undefined && !(Number.isInteger(samplePerClass) && samplePerClass > 0)) {
    throw new DeepfakeError(
      ErrorCode.InvalidArguments,
      `The number of clips per class must be a whole number above 0, not ${samplePerClass}.`,
    );
  }
  const givenRoot = await existingRoot(root);
  const [main, ...others] = partsOfTree(givenRoot, await listAudioTree(givenRoot));
  if (main.files.length === 0) {
    throw new DeepfakeError(
      ErrorCode.DatasetEmpty,
      `There are no audio files in ${main.folder}: give a folder with ${AUDIO_EXTENSIONS.join(' ')} files.`,
      main.folder,
    );
  }
  const parts = [await labelClips(main)];
  const warnings: string[] = [];
  for (const part of others) {
    try {
      parts.push(await labelClips(part));
    } catch (error) {
      // What to train on is there; the part that cannot be used must not go unnoticed.
      if (!(error instanceof DeepfakeError)) throw error;
      warnings.push(`${part.folder} is not used: ${messageOf(error)}`);
    }
  }
  const clips = parts.flatMap((part) =>
    samplePerClass === undefined ? part.clips : firstPerClass(part.clips, samplePerClass),
  );
  warnings.push(...parts.flatMap((part) => part.warnings));
  const count = (source: LabelSource): number => clips.filter((clip) => clip.source === source).length;
  return {
    root: main.folder,
    name: basename(main.split === undefined ? main.folder : dirname(main.folder)),
    clips: clips.map(({ source: _, ...clip }) => clip),
    labelSources: { metadata: count('metadata'), folder: count('folder'), fileName: count('fileName') },
    warnings: [...new Set(warnings)],
  };
}

async function existingRoot(given: string | undefined): Promise<string> {
  const root = given || process.env.DATASET_ROOT;
  if (!root) {
    throw new DeepfakeError(
      ErrorCode.DatasetNotFound,
      'No data set was named: give its folder with --data-root or set the environment variable DATASET_ROOT.',
    );
  }
  const absolute = resolve(root);
  const origin = given ? '' : ' (from DATASET_ROOT)';
  const facts = await stat(absolute).catch(() => undefined);
  if (!facts?.isDirectory()) {
    throw new DeepfakeError(
      ErrorCode.DatasetNotFound,
      `The data set folder ${absolute}${origin} ${facts ? 'is not a folder' : 'does not exist'}: give one with --data-root or in DATASET_ROOT.`,
      absolute,
    );
  }
  return absolute;
}

/** Files that are labelled together. */
interface Part {
  folder: string;
  files: PathParts[];
  /** What the folder's name says it is, in a known layout. */
  split?: SplitName;
}

/**
 * The first known training folder at any depth below `root`, the shallowest of its kind, followed by the validation and testing folders
 * beside it that hold audio; or `root` itself.
 */
function partsOfTree(root: string, tree: AudioTree): Part[] {
  for (const [parent, child] of KNOWN_TRAINING_FOLDERS) {
    const matches = tree.folders.filter(
      (parts) => parts.at(-1) === child && (parts.at(-2) ?? basename(root)) === parent,
    );
    if (matches.length > 0) {
      const found = matches.reduce((best, next) => (next.length < best.length ? next : best));
      const above = found.slice(0, -1);
      const others = tree.folders.filter(
        (parts) =>
          parts.length === found.length &&
          startsWith(parts, above) &&
          (declaredSplit(parts.at(-1)) ?? 'training') !== 'training',
      );
      return [found, ...others]
        .map((parts) => ({
          folder: join(root, ...parts),
          split: declaredSplit(parts.at(-1)),
          files: tree.files.filter((file) => startsWith(file, parts)).map((file) => file.slice(parts.length)),
        }))
        .filter(({ split, files }) => split === 'training' || files.length > 0);
    }
  }
  return [{ folder: root, files: tree.files }];
}

const startsWith = (parts: PathParts, start: PathParts): boolean =>
  start.every((part, index) => parts[index] === part);

const declaredSplit = (name = ''): SplitName | undefined => SPLIT_FOLDERS[name.toLowerCase()];

type LabelSource = keyof Manifest['labelSources'];
type LabelledClip = Clip & { source: LabelSource };

async function labelClips({ folder: root, files, split: ownSplit }: Part) {
  const paths = files.map((parts) => join(root, ...parts));
  const metadata = await readMetadataLabels(root, paths);
  const clips: LabelledClip[] = [];
  const unlabelled: string[] = [];
  const contradicted: string[] = [];
  const againstFolder: string[] = [];
  for (const [index, parts] of files.entries()) {
    const path = paths[index];
    const name = parts[parts.length - 1];
    const folders = parts.slice(0, -1);
    const fromMetadata = metadata.labels[index];
    const fromFolders = labelOfFolders(folders);
    const fromName = labelOfFileName(basename(name, extname(name)));
    const label = fromMetadata?.label ?? fromFolders ?? fromName;
    if (fromMetadata?.contradictedBy !== undefined) {
      contradicted.push(path);
    } else if (label === undefined) {
      unlabelled.push(path);
    } else {
      const source = fromMetadata ? 'metadata' : fromFolders !== undefined ? 'folder' : 'fileName';
      const split = splitOfFolders(folders) ?? ownSplit;
      clips.push({ path, label, source, ...(split && { split }) });
    }
    if (fromMetadata && fromFolders !== undefined && fromMetadata.label !== fromFolders) {
      againstFolder.push(path);
    }
  }
  if (contradicted.length > 0) {
    const [first] = contradicted;
    const { file, contradictedBy } = metadata.labels[paths.indexOf(first)]!;
    const where = file === contradictedBy ? file : `${file} and ${contradictedBy}`;
    throw new DeepfakeError(
      ErrorCode.DatasetUnlabelled,
      `${contradicted.length} of ${files.length} clips have rows for both classes (${examples(root, contradicted)}): correct ${where}.`,
      first,
    );
  }
  if (unlabelled.length > 0) {
    const notes = metadata.warnings.length > 0 ? ` ${metadata.warnings.join(' ')}` : '';
    throw new DeepfakeError(
      ErrorCode.DatasetUnlabelled,
      `${unlabelled.length} of ${files.length} clips in ${root} have no label (${examples(root, unlabelled)}): ` +
        `name them in a metadata file, or use one of these words as a folder name or in the file name: ${ACCEPTED_WORDS}.${notes}`,
      unlabelled[0],
    );
  }
  const warnings = [...metadata.warnings];
  if (againstFolder.length > 0) {
    warnings.push(
      `Metadata and folder names disagree about ${againstFolder.length} clip(s), for example ${againstFolder[0]}; the metadata was taken.`,
    );
  }
  requireBothClasses(root, clips);
  return { clips, warnings };
}

function requireBothClasses(root: string, clips: readonly LabelledClip[]): void {
  const present = clips[0].label;
  if (clips.every(({ label }) => label === present)) {
    const paths = clips.map(({ path }) => path);
    throw new DeepfakeError(
      ErrorCode.DatasetOneClass,
      `All ${clips.length} clips in ${root} are labelled ${CLASS_NAMES[present]} (${examples(root, paths)}): ` +
        `add ${CLASS_NAMES[1 - present]} clips, or correct the labels; accepted words are ${ACCEPTED_WORDS}.`,
      root,
    );
  }
}

function splitOfFolders(folders: readonly string[]): SplitName | undefined {
  for (const folder of folders.toReversed()) {
    const split = declaredSplit(folder);
    if (split !== undefined) {
      return split;
    }
  }
  return undefined;
}

function firstPerClass(clips: readonly LabelledClip[], count: number): LabelledClip[] {
  const taken = [0, 0];
  return clips.filter(({ label }) => taken[label]++ < count);
}

function examples(root: string, paths: readonly string[]): string {
  const named = paths.slice(0, MAX_EXAMPLES).map((path) => relative(root, path));
  return named.join(', ') + (paths.length > MAX_EXAMPLES ? ', …' : '');
}
