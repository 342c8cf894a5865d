/** Words that label clips, Genuine and Deepfake; names are compared in lower case with - for _ and spaces. */
export const LABEL_WORDS: readonly (readonly string[])[] = [
  ['bonafide', 'bona-fide', 'genuine', 'human', 'real', 'authentic'],
  ['spoof', 'fake', 'deepfake', 'ai', 'generated', 'synthetic'],
];

export type SplitName = 'training' | 'validation' | 'testing';

/** The part of a data set that a folder's name, in lower case, declares it to be. */
export const SPLIT_FOLDERS: Readonly<Record<string, SplitName>> = {
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

/** A name as it is compared with the words. */
export const comparableName = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replaceAll(/[_\s]+/g, '-');
