import { dirname, sep } from 'node:path';
import * as vscode from 'vscode';
import type { Finding } from './finding.ts';

/** What is kept of findings over a reload of the window. */
export interface KeptFindings {
  /** Files and folders that were scanned, for scanning them again. */
  roots: string[];
  findings: Finding[];
}

/** The findings of this window's scans, one per file. */
export class Findings implements vscode.Disposable {
  private readonly byFile = new Map<string, Finding>();
  private roots: string[] = [];
  private readonly changed = new vscode.EventEmitter<void>();
  /** Fires for each change, thousands of times in a scan. */
  readonly onDidChange = this.changed.event;

  get size(): number {
    return this.byFile.size;
  }

  get(file: string): Finding | undefined {
    return this.byFile.get(file);
  }

  all(): IterableIterator<Finding> {
    return this.byFile.values();
  }

  /** Files and folders scanned; none lies in another. */
  get scanned(): readonly string[] {
    return this.roots;
  }

  put(findings: readonly Finding[]): void {
    if (findings.length === 0) return;
    for (const finding of findings) this.byFile.set(finding.file, finding);
    this.changed.fire();
  }

  /** Remembers what was scanned. */
  addRoots(paths: readonly string[]): void {
    const all = [...new Set([...this.roots, ...paths])];
    const known = new Set(all);
    this.roots = all.filter((path) => !hasAncestorIn(path, known));
    this.changed.fire();
  }

  /** Drops a file, or everything below a folder, but for files to keep. */
  delete(path: string, keep: ReadonlySet<string> = new Set()): void {
    const before = this.byFile.size;
    const below = path.endsWith(sep) ? path : path + sep;
    for (const file of this.byFile.keys()) {
      if ((file === path || file.startsWith(below)) && !keep.has(file)) this.byFile.delete(file);
    }
    if (this.byFile.size !== before) this.changed.fire();
  }

  /** Follows a file or folder to its new place. */
  rename(from: string, to: string): void {
    const moved = (path: string) => {
      if (path === from) return to;
      return path.startsWith(from + sep) ? to + path.slice(from.length) : undefined;
    };
    let found = false;
    for (const finding of [...this.byFile.values()]) {
      const file = moved(finding.file);
      if (file === undefined) continue;
      found = true;
      this.byFile.delete(finding.file);
      this.byFile.set(file, { ...finding, file });
    }
    this.roots = this.roots.map((root) => moved(root) ?? root);
    if (found) this.changed.fire();
  }

  /** Says that a file is not what was scanned any more. */
  markOutdated(file: string): void {
    const finding = this.byFile.get(file);
    if (finding === undefined || finding.outdated) return;
    this.byFile.set(file, { ...finding, outdated: true });
    this.changed.fire();
  }

  clear(): void {
    this.byFile.clear();
    this.roots = [];
    this.changed.fire();
  }

  kept(): KeptFindings {
    return { roots: this.roots, findings: [...this.byFile.values()] };
  }

  dispose(): void {
    this.changed.dispose();
  }
}

function hasAncestorIn(path: string, paths: ReadonlySet<string>): boolean {
  let folder = path;
  for (let parent = dirname(path); parent !== folder; parent = dirname(folder)) {
    if (paths.has(parent)) return true;
    folder = parent;
  }
  return false;
}
