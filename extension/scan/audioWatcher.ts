import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import * as vscode from 'vscode';
import { AUDIO_EXTENSIONS } from '../../shared/audioFiles.ts';
import { Setting } from '../contributions.ts';
import { readSetting } from '../settings.ts';
import { Throttle } from '../throttle.ts';
import type { Findings } from './findings.ts';
import type { Scanner } from './scanner.ts';

/** A file that is still being written changes more often than that. */
const QUIET_MS = 1500;
/** Word of a change comes sooner than that. */
const LATEST_WORD_MS = 30_000;

/** Keeps findings true while files change, and scans new audio files where the user has turned that on. */
export class AudioWatcher implements vscode.Disposable {
  private readonly subscriptions: vscode.Disposable[];
  private readonly pending = new Map<string, vscode.Uri>();
  private readonly settle = new Throttle(QUIET_MS, () => this.scanPending());

  constructor(
    private readonly findings: Findings,
    private readonly scanner: Pick<Scanner, 'scan'>,
  ) {
    const watcher = vscode.workspace.createFileSystemWatcher(audioGlob(AUDIO_EXTENSIONS));
    this.subscriptions = [
      watcher,
      watcher.onDidCreate((uri) => this.handleWritten(uri)),
      watcher.onDidChange((uri) => this.handleWritten(uri)),
      watcher.onDidDelete((uri) => this.findings.delete(uri.fsPath)),
      vscode.workspace.onDidDeleteFiles(({ files }) => {
        for (const uri of files) this.findings.delete(uri.fsPath);
      }),
      vscode.workspace.onDidRenameFiles(({ files }) => {
        for (const { oldUri, newUri } of files) this.findings.rename(oldUri.fsPath, newUri.fsPath);
      }),
    ];
  }

  dispose(): void {
    this.settle.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private async handleWritten(uri: vscode.Uri): Promise<void> {
    if (readSetting(Setting.scanAutomatic, uri)) {
      this.pending.set(uri.toString(), uri);
      // Each event starts the wait anew.
      this.settle.dispose();
      this.settle.schedule();
      return;
    }
    const finding = this.findings.get(uri.fsPath);
    if (finding === undefined) return;
    const state = await stat(uri.fsPath).catch(() => undefined);
    if (state !== undefined && isNews(state, finding.time, Date.now()))
      this.findings.markOutdated(uri.fsPath);
  }

  private scanPending(): void {
    const files = [...this.pending.values()];
    this.pending.clear();
    void this.scanner.scan(files, { automatic: true });
  }
}

/**
 * Whether a change that is told of `now` was made after the scan at `time` (milliseconds since 1970): word of what was written before may
 * come after it. A clock that was set since, or a copy that brought its old time along, must not make a new file look like the old one.
 */
export function isNews(
  { mtimeMs, ctimeMs }: Pick<Stats, 'mtimeMs' | 'ctimeMs'>,
  time: number,
  now: number,
): boolean {
  return Math.max(mtimeMs, ctimeMs) > time || now < time || now - time > LATEST_WORD_MS;
}

/** A glob for names with these extensions in upper and lower case. */
export function audioGlob(extensions: readonly string[]): string {
  const anyCase = (extension: string) =>
    [...extension.slice(1)].map((c) => (/[a-z]/.test(c) ? `[${c}${c.toUpperCase()}]` : c)).join('');
  return `**/*.{${extensions.map(anyCase).join(',')}}`;
}
