#!/usr/bin/env node
import { CommanderError } from 'commander';
import { DeepfakeError, messageOf } from '../shared/errors.ts';
import { createProgram } from './cli/program.ts';

try {
  await createProgram().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) {
    console.error(`error: ${messageOf(error)}`);
    // An unexpected error is a defect of ours: whoever looks into it needs the stack.
    if (!(error instanceof DeepfakeError) && process.env.DEEPFAKE_AUDIO_DEBUG) console.error(error);
  }
  process.exitCode = 1;
}
