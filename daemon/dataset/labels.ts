import { comparableName, LABEL_WORDS } from '../../shared/datasetNames.ts';
import { CLASS_NAMES } from '../../shared/verdict.ts';

/** Index into CLASS_NAMES: 0 Genuine, 1 Deepfake. */
export type ClassIndex = 0 | 1;

const DIGITS = ['0', '1'];

const wordLabels = new Map(
  LABEL_WORDS.flatMap((words, label) => words.map((word) => [word, label as ClassIndex])),
);
const digitLabels = new Map(DIGITS.map((digit, label) => [digit, label as ClassIndex]));

/** The accepted words, for error messages. */
export const ACCEPTED_WORDS = CLASS_NAMES.map(
  (name, label) => `${name}: ${[...LABEL_WORDS[label], DIGITS[label]].join(', ')}`,
).join('; ');

interface FoundLabel {
  label: ClassIndex;
  /** Whether another text of the same kind names the other class. */
  contradicted: boolean;
}

/**
 * The label that the first label-like of several texts gives; a text counts only when the whole of it is an
 * accepted word, in any case. 0 and 1 count only where no word does, for they number speakers and takes as well.
 */
export function firstLabel(texts: readonly string[]): FoundLabel | undefined {
  const words = texts.map(comparableName);
  for (const table of [wordLabels, digitLabels]) {
    const labels = words.map((word) => table.get(word)).filter((label) => label !== undefined);
    if (labels.length > 0) {
      return { label: labels[0], contradicted: labels.some((label) => label !== labels[0]) };
    }
  }
  return undefined;
}

/** Folder names from the outermost to the innermost; the innermost that is label-like decides. */
export function labelOfFolders(folders: readonly string[]): ClassIndex | undefined {
  return firstLabel(folders.toReversed())?.label;
}

/** The label among a file name's tokens, split at `_ - . space`; undefined where tokens contradict each other. */
export function labelOfFileName(stem: string): ClassIndex | undefined {
  const tokens = stem
    .toLowerCase()
    .replaceAll(/bona[_\-. ]fide/g, 'bonafide')
    .split(/[_\-. ]+/);
  const found = firstLabel(tokens);
  return found?.contradicted ? undefined : found?.label;
}
