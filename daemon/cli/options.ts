import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEVICES, ENGINES } from '../../shared/verdict.ts';
import type { DetectorOptions } from '../detector.ts';
import type { EngineOptions } from '../model/engines.ts';

/** Flags that several commands share; the reference's names. */
export const modelOption = () => new Option('--model <file>', 'checkpoint to use instead of the shipped one');
export const configOption = () =>
  new Option('--config <file>', 'its model_config.json, when that does not lie beside it');

/** What decodes and what computes. */
export const withEngineOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--ffmpeg <program>', 'ffmpeg for formats that are not decoded in-process').env(
        'DEEPFAKE_AUDIO_FFMPEG',
      ),
    )
    .addOption(
      new Option(
        '--engine <name>',
        'what runs the network (default: onnxruntime where it loads, else onnxruntime-web)',
      ).choices(['auto', ...ENGINES]),
    )
    .addOption(
      new Option('--device <name>', 'what computes (default: the CPU)').choices(['auto', ...DEVICES]),
    )
    // The reference moves to a GPU unless told not to; here a GPU is used only when it is named.
    .addOption(new Option('--cpu', 'the same as --device cpu').conflicts('device'));

/** Their values. */
export interface EngineFlags extends EngineOptions {
  ffmpeg?: string;
  cpu?: boolean;
}
export const engineOptions = ({ engine, device, cpu }: EngineFlags): EngineOptions => ({
  engine,
  device: cpu ? 'cpu' : device,
});

/** Which model judges, what decodes and what computes. */
export const withDetectorOptions = (command: Command): Command =>
  withEngineOptions(command.addOption(modelOption()).addOption(configOption()));

/** Their values. */
export interface DetectorFlags extends EngineFlags {
  model?: string;
  config?: string;
}
export const detectorOptions = ({ model, config, ffmpeg, ...flags }: DetectorFlags): DetectorOptions => ({
  checkpoint: model,
  config,
  ffmpegPath: ffmpeg,
  ...engineOptions(flags),
});

export const queueOption = () =>
  new Option('--queue <address>', 'Redis or Valkey with the jobs of a scan, redis://HOST:6379').env(
    'DEEPFAKE_AUDIO_QUEUE',
  );

export const dataRootOption = () =>
  new Option('--data-root <folder>', 'labelled folder (default: the environment variable DATASET_ROOT)');
export const kaggleOption = () =>
  new Option(
    '--use-kagglehub',
    "Fake-or-Real from Kaggle: attached to the notebook, or downloaded with the user's token",
  ).conflicts('dataRoot');
export const gatesOption = () =>
  new Option('--gates', 'check the quality gates and end with exit code 2 when one fails');

export const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('It must be a whole number.');
  return value;
};
export const positiveInteger = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return value;
};
export const nonNegativeNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('It must be a number from 0 on.');
  return value;
};
export const share = (text: string): number => {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError('It must lie between 0 and 1.');
  return value;
};
