import type { Device } from '../shared/verdict.ts';

/**
 * Every id by which VS Code knows something of this extension, written once. A test compares them with those that package.json
 * declares, and the types below make a command without a handler or a setting without a type fail to compile.
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
  scanWorkspace: 'deepfake.scanWorkspace',
  scan: 'deepfake.scan',
  cancelScan: 'deepfake.cancelScan',
  scanAgain: 'deepfake.scanAgain',
  scanAllAgain: 'deepfake.scanAllAgain',
  openReport: 'deepfake.openReport',
  revealFinding: 'deepfake.revealFinding',
  groupByFolder: 'deepfake.groupByFolder',
  groupByVerdict: 'deepfake.groupByVerdict',
  filterByText: 'deepfake.filterByText',
  filterByVerdict: 'deepfake.filterByVerdict',
  clearFilter: 'deepfake.clearFilter',
  clearFindings: 'deepfake.clearFindings',
  exportFindings: 'deepfake.exportFindings',
} as const;
export type CommandId = (typeof Command)[keyof typeof Command];

/** Commands that only the extension's own views call; package.json does not show them. */
export const InternalCommand = {
  showMore: 'deepfake.showMoreFindings',
} as const;

/** Severity of an entry in the Problems panel. */
export type ProblemSeverity = 'error' | 'warning' | 'information' | 'hint' | 'off';

/** The type of each setting's value; an empty string means that it is not set. */
export interface Settings {
  /** Path of the ffmpeg program. */
  'deepfake.ffmpegPath': string;
  /** Path of a checkpoint. */
  'deepfake.model': string;
  /** What computes. */
  'deepfake.device': 'auto' | Device;
  /** Globs of files and folders that scans leave out. */
  'deepfake.scan.exclude': string[];
  /** Address of the Redis whose workers scan. */
  'deepfake.scan.queue': string;
  /** Scan audio files when they are added or changed. */
  'deepfake.scan.automatic': boolean;
  /** Mark files in the explorer. */
  'deepfake.badges': boolean;
  'deepfake.problems.deepfake': ProblemSeverity;
  'deepfake.problems.inconclusive': ProblemSeverity;
}
export type SettingId = keyof Settings;

export const Setting = {
  ffmpegPath: 'deepfake.ffmpegPath',
  model: 'deepfake.model',
  device: 'deepfake.device',
  scanExclude: 'deepfake.scan.exclude',
  scanQueue: 'deepfake.scan.queue',
  scanAutomatic: 'deepfake.scan.automatic',
  badges: 'deepfake.badges',
  problemsDeepfake: 'deepfake.problems.deepfake',
  problemsInconclusive: 'deepfake.problems.inconclusive',
} as const satisfies Record<string, SettingId>;

/** Types of webview panels; each has an activation event, so that its panels come back after a reload. */
export const WebviewPanel = {
  report: 'deepfake.report',
  training: 'deepfake.training',
} as const;

/** Types of webview panels that do not come back after a reload; package.json does not know them. */
export const PassingPanel = {
  metrics: 'deepfake.metricsReport',
} as const;

/** Items of the status bar; package.json does not know them, but VS Code keeps by them which ones the user has hidden. */
export const StatusItem = {
  daemon: 'deepfake.status',
  scan: 'deepfake.scan',
  training: 'deepfake.training',
} as const;

/** Views of the activity bar and of the panel. */
export const View = {
  findings: 'deepfake.findings',
  results: 'deepfake.results',
} as const;

/** Editors for "Open With…". */
export const CustomEditor = {
  report: 'deepfake.reportEditor',
} as const;

/** Type of the tasks that train. */
export const TASK_TYPE = 'deepfake';

/** The tool for language models. */
export const TOOL_NAME = 'detect_audio_deepfake';

/** What `when` clauses ask for. */
export const ContextKey = {
  scanning: 'deepfake.scanning',
  hasFindings: 'deepfake.hasFindings',
  filtered: 'deepfake.filtered',
  grouping: 'deepfake.grouping',
  hasResults: 'deepfake.hasResults',
} as const;

/** Colours that a theme may set. */
export const Colour = {
  deepfake: 'deepfake.deepfakeForeground',
  genuine: 'deepfake.genuineForeground',
} as const;

/** Clause of package.json's menus that holds for the files of `AUDIO_EXTENSIONS`. */
export function audioFileClause(extensions: readonly string[]): string {
  const names = extensions.map((extension) => extension.slice(1)).join('|');
  return `resourceExtname =~ /^\\.(${names})$/i`;
}
