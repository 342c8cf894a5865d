import { Command } from 'commander';
import { packageVersion } from '../paths.ts';
import { evaluateCommand } from './evaluate.ts';
import { exportCommand } from './export.ts';
import { importCommand } from './import.ts';
import { predictCommand } from './predict.ts';
import { pruneCommand } from './prune.ts';
import { scanCommand } from './scan.ts';
import { serveCommand } from './serve.ts';
import { trainCommand } from './train.ts';
import { workerCommand } from './worker.ts';

/** The command line: its commands, options and exit codes. */
export const createProgram = (): Command =>
  new Command('deepfake-audio')
    .description('Tells genuine speech from synthetic speech in audio files.')
    .version(packageVersion)
    .showHelpAfterError('Run with --help to see what is possible.')
    .addCommand(predictCommand())
    .addCommand(scanCommand())
    .addCommand(workerCommand())
    .addCommand(pruneCommand())
    .addCommand(trainCommand())
    .addCommand(evaluateCommand())
    .addCommand(importCommand())
    .addCommand(exportCommand())
    .addCommand(serveCommand());
