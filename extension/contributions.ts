import type { Device } from '../shared/verdict.ts';

/**
 * Every id that package.json declares, written once. A test compares the two, and the types below make a command
 * without a handler or a setting without a type fail to compile.
 */
export const Command = {
  detect: 'deepfake.detect',
  restartDaemon: 'deepfake.restartDaemon',
  showLog: 'deepfake.showLog',
  showActions: 'deepfake.showActions',
  detectSample: 'deepfake.detectSample',
  train: 'deepfake.train',
  showTraining: 'deepfake.showTraining',
  evaluate: 'deepfake.evaluate',
  selectModel: 'deepfake.selectModel',
  useModel: 'deepfake.useModel',
  importModel: 'deepfake.importModel',
  exportOnnx: 'deepfake.exportOnnx',
} as const;
export type CommandId = (typeof Command)[keyof typeof Command];

/** The type of each setting's value; an empty string means that it is not set. */
export interface Settings {
  /** Path of the ffmpeg program. */
  'deepfake.ffmpegPath': string;
  /** Path of a checkpoint. */
  'deepfake.model': string;
  /** What computes. */
  'deepfake.device': 'auto' | Device;
}
export type SettingId = keyof Settings;

export const Setting = {
  ffmpegPath: 'deepfake.ffmpegPath',
  model: 'deepfake.model',
  device: 'deepfake.device',
} as const satisfies Record<string, SettingId>;

/** Types of webview panels; each has an activation event, so that its panels come back after a reload. */
export const WebviewPanel = {
  report: 'deepfake.report',
  training: 'deepfake.training',
} as const;

/** Clause of package.json's menus that holds for the files of `AUDIO_EXTENSIONS`. */
export function audioFileClause(extensions: readonly string[]): string {
  const names = extensions.map((extension) => extension.slice(1)).join('|');
  return `resourceExtname =~ /^\\.(${names})$/i`;
}
