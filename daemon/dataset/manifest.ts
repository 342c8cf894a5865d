import { stat } from 'node:fs/promises';
import { basename, extname, join, relative, resolve } from 'node:path';
import { AUDIO_EXTENSIONS } from '../../shared/audioFiles.ts';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import { CLASS_NAMES } from '../../shared/verdict.ts';
import { type AudioTree, listAudioTree, type PathParts } from './audioTree.ts';
import { ACCEPTED_WORDS, type ClassIndex, labelOfFileName, labelOfFolders } from './labels.ts';
import { readMetadataLabels } from './metadata.ts';

export type SplitName = 'training' | 'validation' | 'testing';

/** A labelled audio file. */
export interface Clip {
  /** Absolute path. */
  path: string;
  /** 0 Genuine, 1 Deepfake. */
  label: ClassIndex;
  /** The part of the data set that a folder of this name declares it to be. */
  split?: SplitName;
}

export interface Manifest {
  /** The folder that the clips lie in, absolute: the given one or the known training folder below it. */
  root: string;
  /** In path order. */
  clips: Clip[];
  /** How many of the clips each rule labelled. */
  labelSources: { metadata: number; folder: number; fileName: number };
  /** Oddities worth telling the user, one sentence each. */
  warnings: string[];
}

export interface DiscoveryOptions {
  /** Keep the first so many clips of each class in path order. */
  samplePerClass?: number;
}

/** Training folders of Fake-or-Real and ASVspoof as they unpack, parent and child; the first that exists is used. */
const KNOWN_TRAINING_FOLDERS = [
  ['LA norm', 'train'],
  ['LA norm', 'training'],
  ['for-norm', 'training'],
  ['for-original', 'training'],
];

const SPLIT_FOLDERS: Record<string, SplitName> = {
  train: 'training',
  training: 'training',
  val: 'validation',
  valid: 'validation',
  validation: 'validation',
  dev: 'validation',
  test: 'testing',
  testing: 'testing',
  eval: 'testing',
  evaluation: 'testing',
};

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
  const { folder, files } = knownTrainingFolder(givenRoot, await listAudioTree(givenRoot));
  if (files.length === 0) {
    throw new DeepfakeError(
      ErrorCode.DatasetEmpty,
      `There are no audio files in ${folder}: give a folder with ${AUDIO_EXTENSIONS.join(' ')} files.`,
      folder,
    );
  }
  const labelled = await labelClips(folder, files);
  const clips = samplePerClass === undefined ? labelled.clips : firstPerClass(labelled.clips, samplePerClass);
  const count = (source: LabelSource): number => clips.filter((clip) => clip.source === source).length;
  return {
    root: folder,
    clips: clips.map(({ source: _, ...clip }) => clip),
    labelSources: { metadata: count('metadata'), folder: count('folder'), fileName: count('fileName') },
    warnings: labelled.warnings,
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

/** The first known training folder at any depth below `root`, the shallowest of its kind, or `root` itself. */
function knownTrainingFolder(root: string, tree: AudioTree): { folder: string; files: PathParts[] } {
  for (const [parent, child] of KNOWN_TRAINING_FOLDERS) {
    const matches = tree.folders.filter(
      (parts) => parts.at(-1) === child && (parts.at(-2) ?? basename(root)) === parent,
    );
    if (matches.length > 0) {
      const found = matches.reduce((best, next) => (next.length < best.length ? next : best));
      const files = tree.files.filter((parts) => found.every((part, index) => parts[index] === part));
      return { folder: join(root, ...found), files: files.map((parts) => parts.slice(found.length)) };
    }
  }
  return { folder: root, files: tree.files };
}

type LabelSource = keyof Manifest['labelSources'];
type LabelledClip = Clip & { source: LabelSource };

async function labelClips(root: string, files: readonly PathParts[]) {
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
      const split = splitOfFolders(folders);
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
    const split = SPLIT_FOLDERS[folder.toLowerCase()];
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
