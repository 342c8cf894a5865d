import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Findings } from '../../../extension/scan/findings.ts';
import { NO_FILTER } from '../../../extension/scan/findingsOutline.ts';
import { type FindingsNode, FindingsTree, PAGE_ROWS } from '../../../extension/scan/findingsTree.ts';
import { finding } from '../someFindings.ts';
import { fake } from '../vscode.ts';

const memory = () => {
  const values = new Map<string, unknown>();
  return {
    get: (key: string) => values.get(key),
    update: async (key: string, value: unknown) => void values.set(key, value),
  };
};

function treeOf(findings: Findings, kept = memory()): FindingsTree {
  fake.folders = ['/w'];
  return new FindingsTree(findings, kept as never);
}

/** The tree as lines of label and description, indented. */
function lines(tree: FindingsTree, node?: FindingsNode, indent = ''): string[] {
  return tree.getChildren(node).flatMap((child) => {
    const item = tree.getTreeItem(child);
    return [`${indent}${item.label} | ${item.description}`, ...lines(tree, child, `${indent}  `)];
  });
}

function some(): Findings {
  const findings = new Findings();
  findings.put([
    finding('/w/a/genuine.wav', 'Genuine', 0.05),
    finding('/w/a/fake.wav', 'Deepfake', 0.9),
    finding('/w/b/worse.wav', 'Deepfake', 0.95),
    finding('/w/top.wav', 'Inconclusive', 0.5),
    finding('/w/b/text.mp3', 'Not read'),
  ]);
  return findings;
}

test('findings stand below their verdict, the most probable deepfake first, its probability before its name', () => {
  assert.deepEqual(lines(treeOf(some())), [
    'Deepfake | 2',
    '  95 % · worse.wav | b',
    '  90 % · fake.wav | a',
    'Inconclusive | 1',
    '  50 % · top.wav | ',
    'Not read | 1',
    '  text.mp3 | is not audio. · b',
    'Genuine | 1',
    '  5 % · genuine.wav | a',
  ]);
});

test('findings stand below their folder, the folder with the most probable deepfake first', () => {
  const kept = memory();
  const tree = treeOf(some(), kept);
  tree.setGrouping('folder');
  const expected = [
    'b | 2, Deepfake 1',
    '  95 % · worse.wav | ',
    '  text.mp3 | is not audio.',
    'a | 2, Deepfake 1',
    '  90 % · fake.wav | ',
    '  5 % · genuine.wav | ',
    'w | 1',
    '  50 % · top.wav | ',
  ];
  assert.deepEqual(lines(tree), expected);
  assert.deepEqual(lines(treeOf(some(), kept)), expected, 'the grouping is remembered');
});

test('the filter goes by verdict and by part of a path, and says so', () => {
  const tree = treeOf(some());
  tree.filter = { outcomes: new Set(['Deepfake', 'Genuine']), text: '/A/' };
  assert.deepEqual(
    tree.shown().map(({ file }) => file),
    ['/w/a/fake.wav', '/w/a/genuine.wav'],
  );
  assert.equal(tree.view.message, 'Filter: Deepfake, Genuine · “/A/”. 2 of 5 files shown.');
  assert.equal(fake.contextKeys.get('deepfake.filtered'), true);
  tree.filter = NO_FILTER;
  assert.equal(tree.view.message, undefined);
  assert.equal(fake.contextKeys.get('deepfake.filtered'), false);
});

test('a long list comes page by page', () => {
  const findings = new Findings();
  const count = 2 * PAGE_ROWS + 50;
  findings.put(Array.from({ length: count }, (_, i) => finding(`/w/${i}.wav`, 'Deepfake', 0.9)));
  const tree = treeOf(findings);
  const [group] = tree.getChildren();
  assert.equal(tree.getChildren(group).length, PAGE_ROWS + 1);
  const more = tree.getTreeItem(tree.getChildren(group)[PAGE_ROWS]);
  assert.equal(more.label, `Show ${PAGE_ROWS} more`);
  tree.showMore(more.command?.arguments?.[0]);
  assert.equal(tree.getChildren(group).length, 2 * PAGE_ROWS + 1);
  tree.showMore(more.command?.arguments?.[0]);
  assert.equal(tree.getChildren(group).length, count);
});

test('a command is about the item clicked, the whole selection, or everything below a heading', () => {
  const tree = treeOf(some());
  const [deepfakes, inconclusive] = tree.getChildren();
  const [worse] = tree.getChildren(deepfakes);
  const paths = (...chosen: Parameters<FindingsTree['chosenFiles']>) =>
    tree.chosenFiles(...chosen).map(({ fsPath }) => fsPath);
  assert.deepEqual(paths(worse), ['/w/b/worse.wav']);
  assert.deepEqual(paths(worse, [worse, inconclusive]), ['/w/b/worse.wav', '/w/top.wav']);
  assert.deepEqual(paths(deepfakes), ['/w/b/worse.wav', '/w/a/fake.wav']);
});

test('what a screen reader says names file, verdict and probability', () => {
  const tree = treeOf(some());
  const [deepfakes] = tree.getChildren();
  const item = tree.getTreeItem(tree.getChildren(deepfakes)[0]);
  assert.equal(item.accessibilityInformation?.label, 'worse.wav, Deepfake, 95 %, b');
});

test('a file that has changed since its scan says so', () => {
  const findings = some();
  findings.markOutdated('/w/b/worse.wav');
  assert.match(lines(treeOf(findings))[1], /95 % · worse\.wav \| changed since · b/);
});

test('ten thousand findings are sorted and paged in a moment', (t) => {
  const findings = new Findings();
  findings.put(
    Array.from({ length: 10_000 }, (_, i) =>
      finding(`/w/${i % 100}/${i}.wav`, 'Deepfake', ((i * 7919) % 10_000) / 10_000),
    ),
  );
  const tree = treeOf(findings);
  const started = performance.now();
  tree.filter = { ...NO_FILTER, text: 'wav' };
  const rows = lines(tree).length;
  t.diagnostic(`${Math.round(performance.now() - started)} ms`);
  assert.equal(rows, PAGE_ROWS + 2);
});
