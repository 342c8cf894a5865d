import { join } from 'node:path';
import type * as vscode from 'vscode';
import { messageOf } from '../../shared/errors.ts';
import { DisposableStore } from '../disposables.ts';
import type { Services } from '../services.ts';
import { Throttle } from '../throttle.ts';
import { AudioWatcher } from './audioWatcher.ts';
import { Badges } from './badges.ts';
import { Findings } from './findings.ts';
import { readFindings, writeFindings } from './findingsFile.ts';
import { FindingsTree } from './findingsTree.ts';
import { Problems } from './problems.ts';
import { Scanner } from './scanner.ts';
import { createScanStatusItem } from './scanStatusItem.ts';

/** Findings are written to the disk at this pace while they change. */
const KEEP_MS = 3000;

/** Scans and what shows their findings: tree, badges, problems, status item. */
export class Scans implements vscode.Disposable {
  private readonly owned = new DisposableStore();
  readonly findings = this.owned.add(new Findings());
  readonly scanner: Scanner;
  readonly tree: FindingsTree;
  /** Absent in a window without a folder, which keeps nothing. */
  private readonly file: string | undefined;
  private readonly keep = this.owned.add(new Throttle(KEEP_MS, () => void this.write()));
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly services: Services,
    { storageUri, workspaceState }: Pick<vscode.ExtensionContext, 'storageUri' | 'workspaceState'>,
  ) {
    this.file = storageUri && join(storageUri.fsPath, 'findings.json');
    this.scanner = this.owned.add(new Scanner(this.findings, () => services.daemon(), services.log));
    this.tree = this.owned.add(new FindingsTree(this.findings, workspaceState));
    this.owned.add(new Badges(this.findings));
    this.owned.add(new Problems(this.findings));
    this.owned.add(new AudioWatcher(this.findings, this.scanner));
    this.owned.add(createScanStatusItem(this.scanner));
    void this.restore();
  }

  /** Resolves when the findings are on the disk. */
  async dispose(): Promise<void> {
    this.keep.flush();
    this.owned.dispose();
    await this.writing;
  }

  private async restore(): Promise<void> {
    if (this.file !== undefined) {
      const { roots, findings } = await readFindings(this.file);
      // A scan may have been faster.
      this.findings.put(findings.filter(({ file }) => this.findings.get(file) === undefined));
      if (roots.length > 0) this.findings.addRoots(roots);
    }
    this.owned.add(this.findings.onDidChange(() => this.keep.schedule()));
  }

  private write(): Promise<void> {
    const { file } = this;
    if (file === undefined) return Promise.resolve();
    const kept = this.findings.kept();
    this.writing = this.writing
      .then(() => writeFindings(file, kept))
      .catch((error) => this.services.log.warn(`The findings were not kept: ${messageOf(error)}`));
    return this.writing;
  }
}
