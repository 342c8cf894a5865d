import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import { Detector } from '../detector.ts';
import { defaultStorePath, ResultStore } from '../scan/resultStore.ts';
import { resultProfile } from '../scan/scan.ts';
import { isUrl } from '../scan/urls.ts';
import { withExitCodes } from './exitCodes.ts';
import { type DetectorFlags, detectorOptions, withDetectorOptions } from './options.ts';
import { warn } from './terminal.ts';

interface PruneCliOptions extends DetectorFlags {
  otherModels?: boolean;
  dryRun?: boolean;
  store?: string;
}

export function pruneCommand(): Command {
  const command = new Command('prune')
    .description(
      'Let go of kept results of scans whose files are no more, or of models that are not used any more. Connect drives and shares first: a file that cannot be found counts as gone.',
    )
    .option(
      '--other-models',
      'also what was not found with the model named below (default: the shipped one), by this version',
    )
    .option('--dry-run', 'only say how much it would be')
    .option('--store <file>', `where results are kept (default: ${defaultStorePath})`)
    .action(prune);
  return withExitCodes(withDetectorOptions(command), { 1: 'the results could not be pruned' });
}

async function prune({ otherModels, dryRun, store: named, ...flags }: PruneCliOptions): Promise<void> {
  const path = named === undefined ? defaultStorePath : resolve(named);
  if (await isGone(path)) {
    const message = `There are no results of scans at ${path}: name their file with --store.`;
    throw new DeepfakeError(ErrorCode.FileNotFound, message, path);
  }
  const profiles = otherModels ? await profilesOf(flags) : undefined;
  const store = await ResultStore.open(path, warn);
  try {
    const { files, results, kept } = await store.prune({ isGone, profiles, dryRun });
    const count = (n: number, what: string) => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;
    console.log(
      `${dryRun ? 'Would let go of' : 'Let go of'} ${count(files, 'file')} and ${count(results, 'result')}; ${count(kept, 'result')} ${kept === 1 ? 'stays' : 'stay'} in ${path}.`,
    );
  } finally {
    await store.close();
  }
}

/** What results with this model belong to, of whole files and of first windows. */
async function profilesOf(flags: DetectorFlags): Promise<string[]> {
  const detector = await Detector.open(detectorOptions(flags), warn);
  try {
    return [true, false].map((firstWindow) => resultProfile(detector.classifier, firstWindow));
  } finally {
    await detector.dispose();
  }
}

/** A URL is never known to be gone, nor is a file that cannot be looked at for another reason. */
async function isGone(path: string): Promise<boolean> {
  if (isUrl(path)) return false;
  const failure = await stat(path).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code,
  );
  return failure === 'ENOENT' || failure === 'ENOTDIR';
}
