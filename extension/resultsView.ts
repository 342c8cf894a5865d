import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Card, FromResults, ResultsState, ToResults } from '../media/results/messages.ts';
import { messageOf } from '../shared/errors.ts';
import type { FileResult } from '../shared/protocol.ts';
import type { DeepfakeContext } from './context.ts';
import { ContextKey, View } from './contributions.ts';
import { folderOf } from './reportPanel.ts';
import { resultsHtml } from './resultsHtml.ts';
import { withSlowProgress } from './slowProgress.ts';
import { webviewMedia, webviewResources } from './webviewResources.ts';

/** The panel view with a compact card for each of the files detected together last. */
export class ResultsView implements vscode.WebviewViewProvider, vscode.Disposable {
  private readonly registration: vscode.Disposable;
  /** By URI, in the order asked. */
  private cards = new Map<string, Card>();
  private webview: vscode.Webview | undefined;
  private cancellation: vscode.CancellationTokenSource | undefined;

  constructor(private readonly context: DeepfakeContext) {
    this.registration = vscode.window.registerWebviewViewProvider(View.results, this);
  }

  /** Brings the view to the front and detects anew; resolves when each card has its outcome. */
  async show(files: readonly vscode.Uri[]): Promise<void> {
    await vscode.commands.executeCommand('setContext', ContextKey.hasResults, true);
    await vscode.commands.executeCommand(`${View.results}.focus`);
    await this.detect(files);
  }

  resolveWebviewView(
    { webview, onDidDispose }: vscode.WebviewView,
    { state }: vscode.WebviewViewResolveContext<ResultsState | undefined>,
  ): void {
    webview.options = { enableScripts: true, localResourceRoots: [webviewMedia(this.context.extensionUri)] };
    onDidDispose(() => {
      if (this.webview === webview) this.webview = undefined;
    });
    webview.onDidReceiveMessage((message: FromResults) => this.receive(message, webview));
    webview.html = resultsHtml(webviewResources(webview, this.context.extensionUri, 'results'));
    // After a reload of the window only the page remembers its files.
    if (this.cards.size === 0 && state !== undefined && state.uris.length > 0) {
      void this.detect(state.uris.map((uri) => vscode.Uri.parse(uri)));
    }
  }

  dispose(): void {
    this.cancellation?.cancel();
    this.registration.dispose();
  }

  private async detect(files: readonly vscode.Uri[]): Promise<void> {
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
    const daemon = await this.context.daemon();
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
        void this.context.reports.show(vscode.Uri.parse(message.uri));
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
  folder: folderOf(uri),
});
