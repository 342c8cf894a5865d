import { gigabytes } from '../dataset/diskSpace.ts';
import { kaggleDataset } from '../dataset/kaggle.ts';
import type { ProgressLine } from './terminal.ts';

interface DataOptions {
  dataRoot?: string;
  useKagglehub?: boolean;
}

/** The folder that the flags name; with --use-kagglehub that of Kaggle's data set, which is fetched first where it has to be. */
export async function dataRootOf(
  { dataRoot, useKagglehub }: DataOptions,
  progress: ProgressLine,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (!useKagglehub) return dataRoot;
  let announced = '';
  const folder = await kaggleDataset({
    signal,
    onProgress: ({ stage, done, total }) => {
      const word = stage === 'downloading' ? 'Downloading' : 'Unpacking';
      // Where no progress line is shown, at least this says what takes so long.
      if (announced !== stage) console.log(`${word} Fake-or-Real, ${gigabytes(total)}`);
      announced = stage;
      progress.show(`${word} Fake-or-Real: ${gigabytes(done)} of ${gigabytes(total)}`);
    },
    onRetry: (reason, seconds) => {
      progress.clear();
      console.error(`warning: the download was interrupted (${reason}); trying again in ${seconds} s`);
    },
  });
  progress.clear();
  console.log(`Data set: ${folder}`);
  return folder;
}
