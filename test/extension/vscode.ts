// Stands for the module 'vscode' in tests (see esbuild.mjs): as much of it as the code under test needs, without a window.
// What a test may set or look at is in `fake`.
import { sep } from 'node:path';
import { pathToFileURL } from 'node:url';

type Listener<T> = (event: T) => void;

export class EventEmitter<T> {
  private readonly listeners = new Set<Listener<T>>();
  readonly event = (listener: Listener<T>) => {
    this.listeners.add(listener);
    return new Disposable(() => this.listeners.delete(listener));
  };
  fire(event: T): void {
    for (const listener of [...this.listeners]) listener(event);
  }
  dispose(): void {
    this.listeners.clear();
  }
}

export class Disposable {
  static from(...items: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const item of items) item.dispose();
    });
  }
  constructor(readonly dispose: () => unknown) {}
}

export class Uri {
  static file(path: string): Uri {
    return new Uri('file', path);
  }
  static parse(text: string): Uri {
    const colon = text.indexOf(':');
    return new Uri(text.slice(0, colon), text.slice(colon + 1).replace(/^\/\//, ''));
  }
  private constructor(
    readonly scheme: string,
    readonly path: string,
  ) {}
  get fsPath(): string {
    return this.path;
  }
  toString(): string {
    return this.scheme === 'file' ? pathToFileURL(this.path).href : `${this.scheme}:${this.path}`;
  }
}

export class CancellationError extends Error {}

export class CancellationTokenSource {
  private readonly emitter = new EventEmitter<void>();
  readonly token = { isCancellationRequested: false, onCancellationRequested: this.emitter.event };
  cancel(): void {
    this.token.isCancellationRequested = true;
    this.emitter.fire();
  }
  dispose(): void {}
}

export class ThemeColor {
  constructor(readonly id: string) {}
}
export class ThemeIcon {
  static readonly Folder = new ThemeIcon('folder');
  constructor(
    readonly id: string,
    readonly color?: ThemeColor,
  ) {}
}
export enum TreeItemCollapsibleState {
  None,
  Collapsed,
  Expanded,
}
export class TreeItem {
  constructor(
    readonly label: string,
    readonly collapsibleState = TreeItemCollapsibleState.None,
  ) {}
}
export class Range {
  constructor(...numbers: number[]) {
    void numbers;
  }
}
export class MarkdownString {
  value = '';
  appendText(text: string): this {
    this.value += text;
    return this;
  }
  appendMarkdown(text: string): this {
    return this.appendText(text);
  }
}
export enum DiagnosticSeverity {
  Error,
  Warning,
  Information,
  Hint,
}
export class Diagnostic {
  constructor(
    readonly range: Range,
    readonly message: string,
    readonly severity: DiagnosticSeverity,
  ) {}
}
export class FileDecoration {
  constructor(
    readonly badge: string,
    readonly tooltip: string,
    readonly color?: ThemeColor,
  ) {}
}

export const l10n = {
  bundle: undefined,
  t: (message: string, ...args: (string | number)[]) =>
    message.replace(/\{(\d+)\}/g, (_, index) => String(args[Number(index)])),
};

export const fake = {
  /** Values of settings by id, or by id and workspace folder, as 'deepfake.badges /folder'. */
  settings: new Map<string, unknown>(),
  /** Paths of workspace folders. */
  folders: [] as string[],
  contextKeys: new Map<string, unknown>(),
  /** What the Problems panel shows, by path. */
  problems: new Map<string, Diagnostic[]>(),
  /** How often problems were handed over. */
  problemUpdates: 0,
  errors: [] as string[],
  changeSettings(...ids: string[]): void {
    configuration.fire({ affectsConfiguration: (section) => ids.some((id) => id.startsWith(section)) });
  },
  watcher: {
    created: new EventEmitter<Uri>(),
    changed: new EventEmitter<Uri>(),
    deleted: new EventEmitter<Uri>(),
  },
  renamed: new EventEmitter<{ files: { oldUri: Uri; newUri: Uri }[] }>(),
  removed: new EventEmitter<{ files: Uri[] }>(),
};
const configuration = new EventEmitter<{ affectsConfiguration(section: string): boolean }>();

const folderOf = (uri: Uri) =>
  fake.folders.find((path) => uri.fsPath === path || uri.fsPath.startsWith(path + sep));

export const workspace = {
  get workspaceFolders() {
    return fake.folders.map((path) => ({ uri: Uri.file(path), name: path.split(sep).at(-1) }));
  },
  getWorkspaceFolder(uri: Uri) {
    const folder = folderOf(uri);
    return folder === undefined ? undefined : { uri: Uri.file(folder), name: folder.split(sep).at(-1) };
  },
  getConfiguration: (_: undefined, scope?: Uri) => ({
    get: (id: string) => {
      const folder = scope && folderOf(scope);
      return fake.settings.get(`${id} ${folder}`) ?? fake.settings.get(id);
    },
  }),
  onDidChangeConfiguration: configuration.event,
  createFileSystemWatcher: () => ({
    onDidCreate: fake.watcher.created.event,
    onDidChange: fake.watcher.changed.event,
    onDidDelete: fake.watcher.deleted.event,
    dispose() {},
  }),
  onDidRenameFiles: fake.renamed.event,
  onDidDeleteFiles: fake.removed.event,
};

export const window = {
  createTreeView: () => ({ message: undefined, badge: undefined, selection: [], dispose() {} }),
  registerFileDecorationProvider: () => new Disposable(() => {}),
  showErrorMessage: async (message: string) => void fake.errors.push(message),
};

export const commands = {
  executeCommand: async (command: string, ...args: unknown[]) => {
    if (command === 'setContext') fake.contextKeys.set(args[0] as string, args[1]);
  },
};

export const languages = {
  createDiagnosticCollection: () => ({
    set(entries: [Uri, Diagnostic[] | undefined][]) {
      fake.problemUpdates++;
      for (const [uri, problems] of entries) {
        if (problems === undefined) fake.problems.delete(uri.fsPath);
        else fake.problems.set(uri.fsPath, problems);
      }
    },
    clear: () => fake.problems.clear(),
    dispose: () => fake.problems.clear(),
  }),
};
