import * as vscode from 'vscode';
import { Command, type ProblemSeverity, Setting } from '../contributions.ts';
import { readSetting } from '../settings.ts';
import { Throttle } from '../throttle.ts';
import { type Finding, findingText } from './finding.ts';
import type { Findings } from './findings.ts';

const UPDATE_MS = 400;
/** VS Code shows no more of one extension. */
export const MAX_PROBLEMS = 1000;

/** What the Problems panel says that they come from. */
const SOURCE = 'deepfake';
const PROBLEM_SETTINGS = [Setting.problemsDeepfake, Setting.problemsInconclusive];

const SEVERITIES: Record<Exclude<ProblemSeverity, 'off'>, vscode.DiagnosticSeverity> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  information: vscode.DiagnosticSeverity.Information,
  hint: vscode.DiagnosticSeverity.Hint,
};

/** Findings in the Problems panel, with the severity that the user has chosen for each outcome. */
export class Problems implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection(SOURCE);
  private readonly update = new Throttle(UPDATE_MS, () => this.publish());
  private shown = new Map<string, Finding>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(private readonly findings: Findings) {
    this.subscriptions = [
      findings.onDidChange(() => this.update.schedule()),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (!PROBLEM_SETTINGS.some((id) => change.affectsConfiguration(id))) return;
        this.collection.clear();
        this.shown.clear();
        this.update.schedule();
      }),
    ];
  }

  dispose(): void {
    this.update.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
    this.collection.dispose();
  }

  private publish(): void {
    const severityOf = severityReader();
    const wanted: { finding: Finding; uri: vscode.Uri; severity: vscode.DiagnosticSeverity }[] = [];
    for (const finding of this.findings.all()) {
      if (finding.outdated) continue;
      const uri = vscode.Uri.file(finding.file);
      const severity = severityOf(finding, uri);
      if (severity !== undefined) wanted.push({ finding, uri, severity });
    }
    wanted.sort(
      (a, b) => a.severity - b.severity || (b.finding.probability ?? 0) - (a.finding.probability ?? 0),
    );
    const next = new Map<string, Finding>();
    const entries: [vscode.Uri, vscode.Diagnostic[] | undefined][] = [];
    for (const { finding, uri, severity } of wanted.slice(0, MAX_PROBLEMS)) {
      next.set(finding.file, finding);
      if (this.shown.get(finding.file) !== finding) entries.push([uri, [problem(finding, uri, severity)]]);
    }
    for (const file of this.shown.keys()) {
      if (!next.has(file)) entries.push([vscode.Uri.file(file), undefined]);
    }
    this.shown = next;
    if (entries.length > 0) this.collection.set(entries);
  }
}

function problem(finding: Finding, uri: vscode.Uri, severity: vscode.DiagnosticSeverity): vscode.Diagnostic {
  const diagnostic = new vscode.Diagnostic(new vscode.Range(0, 0, 0, 0), findingText(finding), severity);
  diagnostic.source = SOURCE;
  const argument = encodeURIComponent(JSON.stringify([uri.toString()]));
  diagnostic.code = {
    value: vscode.l10n.t('Open report'),
    target: vscode.Uri.parse(`command:${Command.openReport}?${argument}`),
  };
  return diagnostic;
}

/** Reads each setting once for each folder of the workspace. */
function severityReader(): (finding: Finding, uri: vscode.Uri) => vscode.DiagnosticSeverity | undefined {
  const known = new Map<string, ProblemSeverity>();
  return ({ outcome }, uri) => {
    if (outcome !== 'Deepfake' && outcome !== 'Inconclusive') return undefined;
    const setting = outcome === 'Deepfake' ? Setting.problemsDeepfake : Setting.problemsInconclusive;
    const key = `${setting} ${vscode.workspace.getWorkspaceFolder(uri)?.uri.toString()}`;
    let severity = known.get(key);
    if (severity === undefined) {
      severity = readSetting(setting, uri);
      known.set(key, severity);
    }
    return severity === 'off' ? undefined : SEVERITIES[severity];
  };
}
