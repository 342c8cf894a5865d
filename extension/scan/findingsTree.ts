import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import { NOT_READ, type Outcome } from '../../shared/scanPage.ts';
import { durationText, percent } from '../../shared/wording.ts';
import { Colour, Command, ContextKey, InternalCommand, View } from '../contributions.ts';
import { folderLabel, shownFolder } from '../folders.ts';
import { Throttle } from '../throttle.ts';
import { type Finding, findingText, OUTCOMES, outcomeText } from './finding.ts';
import type { Findings } from './findings.ts';
import {
  type FindingsFilter,
  type FindingsGroup,
  type Grouping,
  isFiltering,
  matching,
  NO_FILTER,
  outline,
} from './findingsOutline.ts';
import { countText } from './scanProgress.ts';

const UPDATE_MS = 300;
/** Rows below a heading before "Show more": what VS Code draws without a pause, and more than anybody reads. */
export const PAGE_ROWS = 200;
/** Folders stand open while there are few. */
const OPEN_FOLDERS = 12;

const GROUPING_KEY = 'findings.grouping';

type GroupNode = { kind: 'group'; group: FindingsGroup };
type FindingNode = { kind: 'finding'; finding: Finding; group: FindingsGroup };
/** Stands for the rows that a page leaves out. */
type MoreNode = { kind: 'more'; id: string; left: number };
export type FindingsNode = GroupNode | FindingNode | MoreNode;

/** The tree of findings: headings, and files below them, page by page. */
export class FindingsTree implements vscode.TreeDataProvider<FindingsNode>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  readonly view: vscode.TreeView<FindingsNode>;
  private readonly update = new Throttle(UPDATE_MS, () => this.refresh());
  private readonly subscription: vscode.Disposable;
  private groups: FindingsGroup[] | undefined;
  /** Rows shown below a heading, or headings, where that is more than a page. */
  private readonly rows = new Map<string, number>();
  private currentFilter = NO_FILTER;
  private grouping: Grouping;

  /** @param memory Keeps the grouping over a reload. */
  constructor(
    private readonly findings: Findings,
    private readonly memory: vscode.Memento,
  ) {
    this.grouping = memory.get<Grouping>(GROUPING_KEY) ?? 'outcome';
    this.view = vscode.window.createTreeView(View.findings, {
      treeDataProvider: this,
      showCollapseAll: true,
      canSelectMany: true,
    });
    this.subscription = findings.onDidChange(() => this.update.schedule());
    this.refresh();
  }

  get filter(): FindingsFilter {
    return this.currentFilter;
  }

  set filter(filter: FindingsFilter) {
    this.currentFilter = filter;
    this.rows.clear();
    this.refresh();
  }

  setGrouping(grouping: Grouping): void {
    this.grouping = grouping;
    void this.memory.update(GROUPING_KEY, grouping);
    this.rows.clear();
    this.refresh();
  }

  /** The findings that the filter lets through, in the order shown. */
  shown(): Finding[] {
    return this.outline().flatMap(({ findings }) => findings);
  }

  /** The files that a command is about: those chosen, or else those selected. */
  chosenFiles(node?: FindingsNode, nodes?: readonly FindingsNode[]): vscode.Uri[] {
    const chosen = nodes ?? (node === undefined ? this.view.selection : [node]);
    const files = chosen.flatMap((one) => {
      if (one.kind === 'group') return one.group.findings.map(({ file }) => file);
      return one.kind === 'finding' ? [one.finding.file] : [];
    });
    return [...new Set(files)].map((file) => vscode.Uri.file(file));
  }

  showMore(id: string): void {
    this.rows.set(id, this.rowsOf(id) + PAGE_ROWS);
    this.changed.fire(undefined);
  }

  getChildren(node?: FindingsNode): FindingsNode[] {
    if (node === undefined) {
      return this.page(
        '',
        this.outline().map((group): FindingsNode => ({ kind: 'group', group })),
      );
    }
    if (node.kind !== 'group') return [];
    const { group } = node;
    return this.page(
      group.id,
      group.findings
        .slice(0, this.rowsOf(group.id))
        .map((finding): FindingsNode => ({ kind: 'finding', finding, group })),
      group.findings.length,
    );
  }

  getTreeItem(node: FindingsNode): vscode.TreeItem {
    switch (node.kind) {
      case 'group':
        return this.groupItem(node.group);
      case 'finding':
        return findingItem(node.finding, this.grouping);
      case 'more':
        return moreItem(node);
    }
  }

  resolveTreeItem(item: vscode.TreeItem, node: FindingsNode): vscode.TreeItem {
    if (node.kind === 'finding') item.tooltip = tooltip(node.finding);
    return item;
  }

  dispose(): void {
    this.update.dispose();
    this.subscription.dispose();
    this.view.dispose();
    this.changed.dispose();
  }

  private outline(): FindingsGroup[] {
    this.groups ??= outline(matching(this.findings.all(), this.filter), this.grouping);
    return this.groups;
  }

  private refresh(): void {
    this.groups = undefined;
    this.changed.fire(undefined);
    const groups = this.outline();
    const shown = groups.reduce((sum, { findings }) => sum + findings.length, 0);
    let deepfakes = 0;
    for (const { outcome } of this.findings.all()) if (outcome === 'Deepfake') deepfakes++;
    const filtering = isFiltering(this.filter);
    this.view.message = filtering ? this.filterMessage(shown) : undefined;
    this.view.badge =
      deepfakes === 0
        ? undefined
        : {
            value: deepfakes,
            tooltip:
              deepfakes === 1
                ? vscode.l10n.t('1 file is probably a deepfake')
                : vscode.l10n.t('{0} files are probably deepfakes', countText(deepfakes)),
          };
    setContext(ContextKey.hasFindings, this.findings.size > 0);
    setContext(ContextKey.filtered, filtering);
    setContext(ContextKey.grouping, this.grouping);
  }

  private filterMessage(shown: number): string {
    const { text, outcomes } = this.filter;
    const parts = [
      ...(outcomes.size < OUTCOMES.length
        ? [
            OUTCOMES.filter((o) => outcomes.has(o))
              .map(outcomeText)
              .join(', '),
          ]
        : []),
      ...(text.trim() === '' ? [] : [`“${text.trim()}”`]),
    ];
    return vscode.l10n.t(
      'Filter: {0}. {1} of {2} files shown.',
      parts.join(' · '),
      countText(shown),
      countText(this.findings.size),
    );
  }

  private rowsOf(id: string): number {
    return this.rows.get(id) ?? PAGE_ROWS;
  }

  private page(id: string, nodes: FindingsNode[], total = nodes.length): FindingsNode[] {
    const rows = this.rowsOf(id);
    if (total <= rows) return nodes;
    return [...nodes.slice(0, rows), { kind: 'more', id, left: total - rows }];
  }

  private groupItem(group: FindingsGroup): vscode.TreeItem {
    const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    const open =
      group.outcome === undefined ? (this.groups?.length ?? 0) <= OPEN_FOLDERS : group.outcome !== 'Genuine';
    const item = new vscode.TreeItem(
      group.outcome === undefined ? folderLabel(group.label) : group.label,
      open ? Expanded : Collapsed,
    );
    item.id = group.id;
    item.contextValue = 'group';
    item.description =
      group.outcome === undefined && group.deepfakes > 0
        ? vscode.l10n.t('{0}, Deepfake {1}', countText(group.findings.length), countText(group.deepfakes))
        : countText(group.findings.length);
    item.iconPath = group.outcome === undefined ? vscode.ThemeIcon.Folder : outcomeIcon(group.outcome);
    item.tooltip = group.label;
    item.accessibilityInformation = {
      label: vscode.l10n.t('{0}, {1} files', item.label as string, countText(group.findings.length)),
    };
    return item;
  }
}

/** The probability comes first: of a row that is too long for the view, the end is cut off. */
function findingItem(finding: Finding, grouping: Grouping): vscode.TreeItem {
  const { file, outcome, probability, outdated } = finding;
  const name = basename(file);
  const share = probability === undefined ? undefined : percent(probability);
  const item = new vscode.TreeItem(share === undefined ? name : `${share} · ${name}`);
  item.id = `file:${file}`;
  item.contextValue = 'finding';
  const details = [
    ...(outdated ? [vscode.l10n.t('changed since')] : []),
    ...(share === undefined ? [reason(finding)] : []),
    ...(grouping === 'outcome' ? [shownFolder(dirname(file))] : []),
  ].filter((detail) => detail !== '');
  item.description = details.join(' · ');
  item.iconPath = outdated ? new vscode.ThemeIcon('history') : outcomeIcon(outcome);
  item.accessibilityInformation = {
    label: [name, outcomeText(outcome), ...(share === undefined ? [] : [share]), ...details].join(', '),
  };
  item.command = {
    command: Command.openReport,
    title: vscode.l10n.t('Open report'),
    arguments: [vscode.Uri.file(file)],
  };
  return item;
}

/** Why a file could not be read, to stand after its name: reasons begin with the path. */
const reason = ({ file, remark }: Finding): string =>
  remark.startsWith(`${file} `) ? remark.slice(file.length + 1) : remark;

function moreItem({ id, left }: MoreNode): vscode.TreeItem {
  const item = new vscode.TreeItem(vscode.l10n.t('Show {0} more', countText(Math.min(left, PAGE_ROWS))));
  item.id = `more:${id}`;
  item.description = vscode.l10n.t('{0} not shown', countText(left));
  item.iconPath = new vscode.ThemeIcon('ellipsis');
  item.command = { command: InternalCommand.showMore, title: vscode.l10n.t('Show more'), arguments: [id] };
  return item;
}

function outcomeIcon(outcome: Outcome): vscode.ThemeIcon {
  switch (outcome) {
    case 'Deepfake':
      return new vscode.ThemeIcon('warning', new vscode.ThemeColor(Colour.deepfake));
    case 'Genuine':
      return new vscode.ThemeIcon('pass', new vscode.ThemeColor(Colour.genuine));
    case 'Inconclusive':
      return new vscode.ThemeIcon('question');
    case NOT_READ:
      return new vscode.ThemeIcon('circle-slash');
  }
}

function tooltip(finding: Finding): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.appendText(finding.file);
  text.appendMarkdown('\n\n');
  text.appendText(findingText(finding));
  if (finding.duration !== undefined) {
    text.appendMarkdown('\n\n');
    text.appendText(vscode.l10n.t('Duration: {0}', durationText(finding.duration)));
  }
  if (finding.outdated) {
    text.appendMarkdown('\n\n');
    text.appendText(vscode.l10n.t('The file has changed since it was scanned.'));
  }
  return text;
}

const setContext = (key: string, value: unknown): void =>
  void vscode.commands.executeCommand('setContext', key, value);
