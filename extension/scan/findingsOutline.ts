import { basename, dirname } from 'node:path';
import type { Outcome } from '../../shared/scanPage.ts';
import { type Finding, OUTCOMES, outcomeText } from './finding.ts';

export type Grouping = 'outcome' | 'folder';

export interface FindingsFilter {
  outcomes: ReadonlySet<Outcome>;
  /** Part of a path or remark, whatever the case; empty for all. */
  text: string;
}

/** A heading of the findings and what stands below it. */
export interface FindingsGroup {
  id: string;
  label: string;
  /** Absent for a folder. */
  outcome?: Outcome;
  /** The most probable deepfake first; what could not be read last. */
  findings: Finding[];
  deepfakes: number;
}

export const NO_FILTER: FindingsFilter = { outcomes: new Set(OUTCOMES), text: '' };

export const isFiltering = ({ outcomes, text }: FindingsFilter): boolean =>
  text.trim() !== '' || outcomes.size < OUTCOMES.length;

export function matching(findings: Iterable<Finding>, { outcomes, text }: FindingsFilter): Finding[] {
  const wanted = text.trim().toLowerCase();
  const matches: Finding[] = [];
  for (const finding of findings) {
    if (!outcomes.has(finding.outcome)) continue;
    if (
      wanted === '' ||
      finding.file.toLowerCase().includes(wanted) ||
      finding.remark.toLowerCase().includes(wanted)
    ) {
      matches.push(finding);
    }
  }
  return matches;
}

/** Headings in the order of `OUTCOMES`, or folders with the most probable deepfake first. */
export function outline(findings: readonly Finding[], grouping: Grouping): FindingsGroup[] {
  const sorted = [...findings].sort(byProbability);
  const groups = new Map<string, FindingsGroup>();
  for (const finding of sorted) {
    const byOutcome = grouping === 'outcome';
    const key = byOutcome ? finding.outcome : dirname(finding.file);
    let group = groups.get(key);
    if (group === undefined) {
      group = byOutcome
        ? {
            id: `outcome:${key}`,
            label: outcomeText(finding.outcome),
            outcome: finding.outcome,
            findings: [],
            deepfakes: 0,
          }
        : { id: `folder:${key}`, label: key, findings: [], deepfakes: 0 };
      groups.set(key, group);
    }
    group.findings.push(finding);
    if (finding.outcome === 'Deepfake') group.deepfakes++;
  }
  const all = [...groups.values()];
  // Folders come in the order of their most probable deepfake already.
  return grouping === 'folder' ? all : all.sort((a, b) => rank(a) - rank(b));
}

const rank = ({ outcome }: FindingsGroup): number => (outcome === undefined ? 0 : OUTCOMES.indexOf(outcome));

function byProbability(a: Finding, b: Finding): number {
  const difference = (b.probability ?? -1) - (a.probability ?? -1);
  if (difference !== 0) return difference;
  return basename(a.file) < basename(b.file) || (basename(a.file) === basename(b.file) && a.file < b.file)
    ? -1
    : 1;
}
