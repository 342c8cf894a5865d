import * as vscode from 'vscode';
import type { Outcome } from '../../shared/scanPage.ts';
import { isAudioPath, MAX_CARDS, selection as selected } from '../audioTargets.ts';
import type { DeepfakeContext } from '../context.ts';
import { Command, View } from '../contributions.ts';
import { exportFindings } from './exportFindings.ts';
import { OUTCOMES, outcomeText } from './finding.ts';
import { NO_FILTER } from './findingsOutline.ts';
import type { FindingsNode } from './findingsTree.ts';
import { countText } from './scanProgress.ts';

/** Handlers of the commands that scan and that deal with findings. */
export function scanCommands(context: DeepfakeContext) {
  const { findings, tree, scanner } = context.scans;
  return {
    [Command.scanWorkspace]: () => scanWorkspace(context),
    [Command.scan]: async (clicked?: vscode.Uri, selection?: vscode.Uri[]) =>
      clicked === undefined ? scanWorkspace(context) : scan(context, await scanTargets(clicked, selection)),
    [Command.cancelScan]: () => scanner.cancel(),
    [Command.scanAgain]: (node?: FindingsNode, nodes?: FindingsNode[]) => {
      const chosen = tree.chosenFiles(node, nodes);
      const all = findings.scanned.map((path) => vscode.Uri.file(path));
      return scan(context, chosen.length > 0 ? chosen : all);
    },
    [Command.scanAllAgain]: () =>
      scan(
        context,
        findings.scanned.map((path) => vscode.Uri.file(path)),
      ),
    [Command.openReport]: (what?: string | vscode.Uri | FindingsNode, nodes?: FindingsNode[]) =>
      openReports(context, what, nodes),
    [Command.revealFinding]: (node?: FindingsNode) => {
      const [file] = tree.chosenFiles(node);
      if (file !== undefined) return vscode.commands.executeCommand('revealInExplorer', file);
    },
    [Command.groupByFolder]: () => tree.setGrouping('folder'),
    [Command.groupByVerdict]: () => tree.setGrouping('outcome'),
    [Command.filterByText]: () => filterByText(context),
    [Command.filterByVerdict]: () => filterByVerdict(context),
    [Command.clearFilter]: () => {
      tree.filter = NO_FILTER;
    },
    [Command.clearFindings]: () => {
      findings.clear();
      tree.filter = NO_FILTER;
    },
    [Command.exportFindings]: () => exportFindings(context),
  };
}

/** Of a selection, folders and what is called like audio; the item clicked is taken as it is. */
async function scanTargets(clicked: vscode.Uri, selection?: vscode.Uri[]): Promise<readonly vscode.Uri[]> {
  const chosen = selected(clicked, selection);
  if (chosen.length === 1) return chosen;
  const wanted = await Promise.all(chosen.map(async (uri) => isAudioPath(uri.path) || (await isFolder(uri))));
  return chosen.filter((_, index) => wanted[index]);
}

async function isFolder(uri: vscode.Uri): Promise<boolean> {
  const { type } = await vscode.workspace.fs.stat(uri);
  return (type & vscode.FileType.Directory) !== 0;
}

async function scanWorkspace(context: DeepfakeContext): Promise<void> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (folders.length === 0) {
    const open = vscode.l10n.t('Open folder');
    const message = vscode.l10n.t('There is no folder to scan. Open one first.');
    if ((await vscode.window.showInformationMessage(message, open)) === open) {
      await vscode.commands.executeCommand('vscode.openFolder');
    }
    return;
  }
  await scan(
    context,
    folders.map(({ uri }) => uri),
  );
}

async function scan(context: DeepfakeContext, targets: readonly vscode.Uri[]): Promise<void> {
  const onDisk = targets.filter(({ scheme }) => scheme === 'file');
  if (onDisk.length < targets.length) {
    void vscode.window.showErrorMessage(
      vscode.l10n.t('Only files on a disk can be examined. Save the file to a folder first.'),
    );
  }
  if (onDisk.length === 0) return;
  void vscode.commands.executeCommand(`${View.findings}.focus`, { preserveFocus: true });
  const { scanner, findings } = context.scans;
  const end = await scanner.scan(onDisk);
  if (end === 'done' && findings.size === 0) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t(
        'No audio files were found. The setting “deepfake.scan.exclude” and files called .deepfakeignore leave some out.',
      ),
    );
  } else if (end === 'done') {
    vscode.window.setStatusBarMessage(summaryText(context), 8000);
  } else if (end === 'cancelled') {
    vscode.window.setStatusBarMessage(
      vscode.l10n.t('The scan was stopped. The same scan goes on where it was.'),
      8000,
    );
  }
}

/** 12 Deepfake, 3 Inconclusive, 80 Genuine. */
function summaryText({ scans }: DeepfakeContext): string {
  const counts = new Map<Outcome, number>();
  for (const { outcome } of scans.findings.all()) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const parts = OUTCOMES.filter((outcome) => counts.has(outcome)).map(
    (outcome) => `${countText(counts.get(outcome) ?? 0)} ${outcomeText(outcome)}`,
  );
  return vscode.l10n.t('Scanned: {0}', parts.join(', '));
}

/** @param what The problem or tree item clicked, with the whole selection where there is one. */
async function openReports(
  context: DeepfakeContext,
  what?: string | vscode.Uri | FindingsNode,
  nodes?: FindingsNode[],
): Promise<void> {
  if (typeof what === 'string') await context.reports.peek(vscode.Uri.parse(what));
  else if (what instanceof vscode.Uri) await context.reports.peek(what);
  else {
    const [first, ...others] = context.scans.tree.chosenFiles(what, nodes);
    if (first === undefined) return;
    if (others.length > 0) await context.results.show([first, ...others].slice(0, MAX_CARDS));
    else await context.reports.show(first);
  }
}

function filterByText({ scans: { tree } }: DeepfakeContext): void {
  const before = tree.filter;
  const input = vscode.window.createInputBox();
  input.title = vscode.l10n.t('Filter findings');
  input.placeholder = vscode.l10n.t('Part of a path or remark');
  input.value = before.text;
  // The findings can be looked through meanwhile.
  input.ignoreFocusOut = true;
  let accepted = false;
  input.onDidChangeValue((text) => {
    tree.filter = { ...tree.filter, text };
  });
  input.onDidAccept(() => {
    accepted = true;
    input.hide();
  });
  input.onDidHide(() => {
    if (!accepted) tree.filter = before;
    input.dispose();
  });
  input.show();
}

async function filterByVerdict({ scans: { tree } }: DeepfakeContext): Promise<void> {
  const picked = await vscode.window.showQuickPick(
    OUTCOMES.map((outcome) => ({
      label: outcomeText(outcome),
      outcome,
      picked: tree.filter.outcomes.has(outcome),
    })),
    { canPickMany: true, title: vscode.l10n.t('Show findings that are') },
  );
  if (picked === undefined) return;
  const outcomes = new Set(picked.map(({ outcome }) => outcome));
  tree.filter = { ...tree.filter, outcomes: outcomes.size === 0 ? NO_FILTER.outcomes : outcomes };
}
