import type * as vscode from 'vscode';
import { Reports } from './report/reports.ts';
import { ResultsView } from './report/resultsView.ts';
import { Scans } from './scan/scans.ts';
import { Services } from './services.ts';
import { Trainings } from './training/trainings.ts';

/** Everything that lives as long as the extension, owned in one place; commands get the whole of it. */
export class DeepfakeContext extends Services {
  readonly reports = this.add(new Reports(this));
  readonly trainings = this.add(new Trainings(this));
  readonly results: ResultsView;
  readonly scans: Scans;

  constructor(extension: vscode.ExtensionContext) {
    super(extension);
    this.results = this.add(new ResultsView(this, this.reports, extension.workspaceState));
    this.scans = new Scans(this, extension);
  }

  /** Resolves when the daemon has ended and what is to be kept is kept. */
  override async dispose(): Promise<void> {
    await this.scans.dispose();
    await super.dispose();
  }
}
