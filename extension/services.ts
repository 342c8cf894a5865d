import * as vscode from 'vscode';
import { messageOf } from '../shared/errors.ts';
import type { DaemonClient } from './client/daemonClient.ts';
import type { DaemonProcess } from './client/daemonProcess.ts';
import type { DaemonState } from './client/daemonState.ts';
import { createStatusItem } from './client/statusItem.ts';
import { Setting } from './contributions.ts';
import { DisposableStore } from './disposables.ts';
import { daemonOptions, START_SETTINGS } from './settings.ts';

/** What every part of the extension works with: its log, its folder and the daemon. */
export class Services {
  private readonly owned = new DisposableStore();
  readonly log = this.owned.add(vscode.window.createOutputChannel('Deepfake', { log: true }));
  readonly extensionUri: vscode.Uri;
  private readonly codeCache: string;
  private client: Promise<DaemonClient> | undefined;

  constructor(extension: Pick<vscode.ExtensionContext, 'extensionUri' | 'globalStorageUri'>) {
    this.extensionUri = extension.extensionUri;
    this.codeCache = vscode.Uri.joinPath(extension.globalStorageUri, 'code-cache').fsPath;
  }

  /** Owns something for as long as the extension lives. */
  add<T extends vscode.Disposable>(item: T): T {
    return this.owned.add(item);
  }

  /** The client of the daemon; made, like the status bar item, when something needs it for the first time. */
  daemon(): Promise<DaemonClient> {
    this.client ??= this.createClient();
    return this.client;
  }

  /** What the daemon does now; it is not started to find out. */
  async daemonState(): Promise<DaemonState> {
    return (await this.client)?.state ?? { kind: 'stopped' };
  }

  /** Resolves when the daemon has ended. */
  async dispose(): Promise<void> {
    this.owned.dispose();
    await (await this.client)?.dispose();
  }

  private async createClient(): Promise<DaemonClient> {
    const { DaemonProcess } = await import('./client/daemonProcess.ts');
    const module = vscode.Uri.joinPath(this.extensionUri, 'dist', 'daemon.js').fsPath;
    const start = () => new DaemonProcess(module, this.codeCache, this.log);
    // Whoever wants the client has a request: the process starts while the JSON-RPC library is loaded.
    let first: DaemonProcess | undefined = start();
    const { DaemonClient } = await import('./client/daemonClient.ts');
    const startProcess = () => {
      const process = first ?? start();
      first = undefined;
      return process;
    };
    const client = new DaemonClient(startProcess, this.log, daemonOptions);
    this.add(createStatusItem(client));
    this.add(
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (START_SETTINGS.some((id) => change.affectsConfiguration(id))) {
          // The next request starts it with the new settings.
          void client.stop();
        } else if (change.affectsConfiguration(Setting.model)) {
          client.followSettings().catch((error) => void vscode.window.showErrorMessage(messageOf(error)));
        }
      }),
    );
    return client;
  }
}
