#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { DeepfakeError, messageOf } from '../shared/errors.ts';
import { evaluateCommand } from './cli/evaluate.ts';
import { exportCommand } from './cli/export.ts';
import { importCommand } from './cli/import.ts';
import { predictCommand } from './cli/predict.ts';
import { scanCommand } from './cli/scan.ts';
import { serveCommand } from './cli/serve.ts';
import { trainCommand } from './cli/train.ts';

const program = new Command('deepfake-audio')
  .description('Tells genuine speech from synthetic speech in audio files.')
  .showHelpAfterError('Run with --help to see what is possible.')
  .addCommand(predictCommand())
  .addCommand(scanCommand())
  .addCommand(trainCommand())
  .addCommand(evaluateCommand())
  .addCommand(importCommand())
  .addCommand(exportCommand())
  .addCommand(serveCommand());

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) {
    console.error(`error: ${messageOf(error)}`);
    // An unexpected error is a defect of ours: whoever looks into it needs the stack.
    if (!(error instanceof DeepfakeError) && process.env.DEEPFAKE_AUDIO_DEBUG) console.error(error);
  }
  process.exitCode = 1;
}
