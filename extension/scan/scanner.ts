import * as vscode from 'vscode';
import { messageOf } from '../../shared/errors.ts';
import type { ScanParams, ScanPart } from '../../shared/protocol.ts';
import type { DaemonClient } from '../client/daemonClient.ts';
import { DaemonLostError, DaemonStartError } from '../client/daemonErrors.ts';
import { Setting } from '../contributions.ts';
import { readSetting } from '../settings.ts';
import { findingOf, isGone } from './finding.ts';
import type { Findings } from './findings.ts';
import { type ScanProgress, TimeLeft } from './scanProgress.ts';

/** What became of a scan. */
export type ScanEnd = 'done' | 'cancelled' | 'failed';

interface Job {
  files: readonly vscode.Uri[];
  /** Nobody asked for these files by name: globs and ignore files hold for them. */
  automatic: boolean;
  resolve(end: ScanEnd): void;
}

/** What a scan needs of `DaemonClient`. */
export type ScanDaemon = Pick<DaemonClient, 'scan'>;

/** Scans, one after the other, and puts what they find into `findings`. */
export class Scanner implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<ScanProgress | undefined>();
  /** Fires as the scan goes on, and with undefined when none is left. */
  readonly onDidChangeProgress = this.changed.event;
  private readonly waiting: Job[] = [];
  private running: vscode.CancellationTokenSource | undefined;

  constructor(
    private readonly findings: Findings,
    private readonly daemon: () => Promise<ScanDaemon>,
    private readonly log: Pick<vscode.LogOutputChannel, 'warn' | 'error'>,
  ) {}

  get isScanning(): boolean {
    return this.running !== undefined;
  }

  /** Scans files and folders after the scans asked for before. Failures are told to the user. */
  scan(files: readonly vscode.Uri[], { automatic = false } = {}): Promise<ScanEnd> {
    return new Promise((resolve) => {
      this.waiting.push({ files, automatic, resolve });
      if (this.running === undefined) void this.work();
    });
  }

  /** Ends the scan that runs and those that wait; what was found stays. */
  cancel(): void {
    for (const { resolve } of this.waiting.splice(0)) resolve('cancelled');
    this.running?.cancel();
  }

  dispose(): void {
    this.cancel();
    this.changed.dispose();
  }

  private async work(): Promise<void> {
    for (let job = this.waiting.shift(); job !== undefined; job = this.waiting.shift()) {
      const cancellation = new vscode.CancellationTokenSource();
      this.running = cancellation;
      this.changed.fire({ done: 0, found: 0, allFound: false });
      const end = await this.run(job, cancellation.token);
      cancellation.dispose();
      this.running = undefined;
      job.resolve(end);
    }
    this.changed.fire(undefined);
  }

  private async run(job: Job, token: vscode.CancellationToken): Promise<ScanEnd> {
    try {
      await new ScanRun(this.findings, await this.daemon(), this.log, token, (progress) =>
        this.changed.fire(progress),
      ).scan(job.files, job.automatic);
      return 'done';
    } catch (error) {
      if (error instanceof vscode.CancellationError) return 'cancelled';
      this.log.error(messageOf(error));
      if (!(error instanceof DaemonStartError)) void vscode.window.showErrorMessage(messageOf(error));
      return 'failed';
    }
  }
}

/** One scan, which outlives daemons. */
class ScanRun {
  private readonly answered = new Set<string>();
  private readonly timeLeft = new TimeLeft();
  /** Files of the requests that are done, and of the one under way. */
  private foundBefore = 0;
  private part = { found: 0, allFound: false };
  private lastRequest = false;
  /** Answers that had to be worked for. */
  private analyzed = 0;

  constructor(
    private readonly findings: Findings,
    private readonly daemon: ScanDaemon,
    private readonly log: Pick<vscode.LogOutputChannel, 'warn'>,
    private readonly token: vscode.CancellationToken,
    private readonly report: (progress: ScanProgress) => void,
  ) {}

  async scan(files: readonly vscode.Uri[], automatic: boolean): Promise<void> {
    const requests = scanRequests(files);
    // A scan that nobody asked for must not stand waiting for workers.
    const queue = automatic ? undefined : readSetting(Setting.scanQueue).trim() || undefined;
    for (const [index, params] of requests.entries()) {
      this.lastRequest = index === requests.length - 1;
      await this.persist({ ...params, queue, filterNamed: automatic, allowMissing: true });
      this.foundBefore += this.part.found;
      this.part = { found: 0, allFound: false };
      // What lies below a folder and was not found again is gone or left out now.
      for (const path of params.paths) {
        if (!this.answered.has(path)) this.findings.delete(path, this.answered);
      }
    }
    if (!automatic) this.findings.addRoots(files.map((uri) => uri.fsPath));
  }

  /** Sends the request to one daemon after the other for as long as each gets further than the one before. */
  private async persist(params: ScanParams): Promise<void> {
    for (;;) {
      const before = this.analyzed;
      try {
        await this.daemon.scan(params, (part) => this.receive(part), this.token);
        return;
      } catch (error) {
        const lost = error instanceof DaemonLostError;
        if (!lost || this.analyzed === before) throw error;
        this.log.warn('The detector stopped during a scan; another goes on with it.');
      }
    }
  }

  private receive({ results, found, allFound, workers }: ScanPart): void {
    const time = Date.now();
    for (const result of results) {
      this.answered.add(result.file);
      if (!result.cached) this.analyzed++;
    }
    for (const result of results) {
      if (isGone(result)) this.findings.delete(result.file);
    }
    this.findings.put(results.filter((result) => !isGone(result)).map((result) => findingOf(result, time)));
    // A daemon that takes over tells of files that are known already.
    this.part = { found: Math.max(found, this.part.found), allFound: allFound || this.part.allFound };
    const total = Math.max(this.answered.size, this.foundBefore + this.part.found);
    this.report({
      done: this.answered.size,
      found: total,
      allFound: this.part.allFound && this.lastRequest,
      secondsLeft: this.timeLeft.after(performance.now() / 1000, this.answered.size, total),
      workers,
    });
  }
}

/** A request for each workspace folder, whose own globs hold in it. */
export function scanRequests(files: readonly vscode.Uri[]): ScanParams[] {
  const byFolder = new Map<string | undefined, ScanParams>();
  for (const uri of files) {
    const base = vscode.workspace.getWorkspaceFolder(uri)?.uri.fsPath;
    let request = byFolder.get(base);
    if (request === undefined) {
      request = { paths: [], base, exclude: readSetting(Setting.scanExclude, uri) };
      byFolder.set(base, request);
    }
    request.paths.push(uri.fsPath);
  }
  return [...byFolder.values()];
}
