import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import type { Card, FromResults, ToResults } from '../../media/results/messages.ts';
import { messageOf } from '../../shared/errors.ts';
import type { FileResult } from '../../shared/protocol.ts';
import { ContextKey, View } from '../contributions.ts';
import { folderLabel } from '../folders.ts';
import type { Services } from '../services.ts';
import { withSlowProgress } from '../slowProgress.ts';
import { webviewResources } from '../webviewResources.ts';
import type { Reports } from './reports.ts';
import { resultsHtml } from './resultsHtml.ts';

const FILES_KEY = 'results.files';
const VISIBLE_KEY = 'results.visible';

/** The panel view with a compact card for each of the files detected together last. */
export class ResultsView implements vscode.WebviewViewProvider, vscode.Disposable {
  private readonly registration: vscode.Disposable;
  /** By URI, in the order asked. */
  private cards = new Map<string, Card>();
  private webview: vscode.Webview | undefined;
  private cancellation: vscode.CancellationTokenSource | undefined;

  /** @param memory Keeps the files over a reload. */
  constructor(
    private readonly services: Services,
    private readonly reports: Reports,
    private readonly memory: vscode.Memento,
  ) {
    this.registration = vscode.window.registerWebviewViewProvider(View.results, this);
    if (this.remembered().length > 0) void this.restore();
  }

  /** Brings the view to the front and detects anew; resolves when each card has its outcome. */
  async show(files: readonly vscode.Uri[]): Promise<void> {
    await this.showTab();
    // Before the view is there, lest it begins with the files that it remembers.
    const detecting = this.detect(files);
    await vscode.commands.executeCommand(`${View.results}.focus`);
    await detecting;
  }

  /** Called when the view is first seen, which after a reload may be never. */
  resolveWebviewView(view: vscode.WebviewView): void {
    const { webview, onDidDispose } = view;
    const keepVisible = () => void this.memory.update(VISIBLE_KEY, view.visible);
    view.onDidChangeVisibility(keepVisible);
    keepVisible();
    webview.options = { enableScripts: true, localResourceRoots: [] };
    onDidDispose(() => {
      if (this.webview === webview) this.webview = undefined;
    });
    webview.onDidReceiveMessage((message: FromResults) => this.receive(message, webview));
    webview.html = resultsHtml(webviewResources(webview, this.services.extensionUri, 'results'));
    if (this.cards.size === 0) void this.detect(this.remembered());
  }

  dispose(): void {
    this.cancellation?.cancel();
    this.registration.dispose();
  }

  /** VS Code does not bring back a view that it did not know of when the window was opened. */
  private async restore(): Promise<void> {
    const visible = this.memory.get(VISIBLE_KEY, false);
    await this.showTab();
    if (visible) await vscode.commands.executeCommand(`${View.results}.focus`, { preserveFocus: true });
  }

  private showTab(): Thenable<unknown> {
    return vscode.commands.executeCommand('setContext', ContextKey.hasResults, true);
  }

  private remembered(): vscode.Uri[] {
    return this.memory.get<string[]>(FILES_KEY, []).map((uri) => vscode.Uri.parse(uri));
  }

  private async detect(files: readonly vscode.Uri[]): Promise<void> {
    if (files.length === 0) return;
    void this.memory.update(
      FILES_KEY,
      files.map((uri) => uri.toString()),
    );
    this.cancellation?.cancel();
    const cancellation = new vscode.CancellationTokenSource();
    this.cancellation = cancellation;
    this.cards = new Map(files.map((uri) => [uri.toString(), newCard(uri)]));
    this.postAll();
    const title = vscode.l10n.t('Detecting deepfakes in {0} files', files.length);
    await withSlowProgress(title, async (token, report) => {
      const subscription = token.onCancellationRequested(() => cancellation.cancel());
      try {
        await this.classify(files, cancellation.token, report);
      } catch (error) {
        if (this.cancellation !== cancellation) return;
        const cancelled = error instanceof vscode.CancellationError;
        const message = cancelled ? vscode.l10n.t('The detection was cancelled.') : messageOf(error);
        this.failWaiting(message);
      } finally {
        subscription.dispose();
      }
    });
  }

  private async classify(
    files: readonly vscode.Uri[],
    token: vscode.CancellationToken,
    report: (percentage: number, message?: string) => void,
  ): Promise<void> {
    const uris = new Map(files.map((uri) => [uri.fsPath, uri.toString()]));
    const receive = (results: FileResult[]) => {
      if (token.isCancellationRequested) return;
      for (const result of results) {
        const card = this.cards.get(uris.get(result.file) ?? '');
        if (card === undefined) continue;
        card.outcome = 'error' in result ? { message: result.error.message } : { verdict: result.verdict };
        this.post({ type: 'card', card });
      }
    };
    const daemon = await this.services.daemon();
    await daemon.classifyEach({ files: files.map(({ fsPath }) => fsPath), withImages: true }, receive, {
      token,
      onProgress: (percentage, message) => report(percentage ?? 0, message),
    });
  }

  private failWaiting(message: string): void {
    for (const card of this.cards.values()) {
      if (card.outcome !== undefined) continue;
      card.outcome = { message };
      this.post({ type: 'card', card });
    }
  }

  private receive(message: FromResults, webview: vscode.Webview): void {
    switch (message.type) {
      case 'ready':
        this.webview = webview;
        this.postAll();
        break;
      case 'open':
        void this.reports.show(vscode.Uri.parse(message.uri));
        break;
      case 'reveal':
        void vscode.commands.executeCommand('revealInExplorer', vscode.Uri.parse(message.uri));
        break;
    }
  }

  private postAll(): void {
    this.post({ type: 'cards', cards: [...this.cards.values()] });
  }

  private post(message: ToResults): void {
    void this.webview?.postMessage(message);
  }
}

const newCard = (uri: vscode.Uri): Card => ({
  uri: uri.toString(),
  name: basename(uri.fsPath),
  folder: folderLabel(dirname(uri.fsPath)),
});
