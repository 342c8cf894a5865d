import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import type { DetectionMessage, FileNames, FromReport, ToReport } from '../../media/report/messages.ts';
import { messageOf } from '../../shared/errors.ts';
import type { ReportPart } from '../../shared/protocol.ts';
import type { Verdict } from '../../shared/verdict.ts';
import { verdictJson } from '../../shared/verdictJson.ts';
import { DisposableStore } from '../disposables.ts';
import { folderLabel } from '../folders.ts';
import { panelIcon } from '../panelIcon.ts';
import type { Services } from '../services.ts';
import { withSlowProgress } from '../slowProgress.ts';
import { webviewResources } from '../webviewResources.ts';
import { reportHtml } from './reportHtml.ts';
import { pictureBytes, savedReport } from './savedReport.ts';

/** One webview panel and what it shows. */
export class ReportPanel implements vscode.Disposable {
  private readonly owned = new DisposableStore();
  /** Cancels the detection under way, when another begins or the panel is closed. */
  private cancellation: vscode.CancellationTokenSource | undefined;
  /** How the detection began, and the latest of it: what a page has to know that is made now, or anew after having been hidden. */
  private told: (DetectionMessage & { number: number })[] = [];
  private messages = 0;
  private verdict: Verdict | undefined;

  constructor(
    private readonly services: Services,
    private readonly file: vscode.Uri,
    readonly panel: vscode.WebviewPanel,
  ) {
    const { webview } = panel;
    panel.iconPath = panelIcon(services.extensionUri, 'report');
    this.owned.add(webview.onDidReceiveMessage((message: FromReport) => this.receive(message)));
    webview.html = reportHtml(webviewResources(webview, services.extensionUri, 'report'));
  }

  /** Examines the file and shows the outcome, be it a verdict or the reason why there is none. */
  async detect(token?: vscode.CancellationToken): Promise<void> {
    this.cancellation?.cancel();
    const cancellation = new vscode.CancellationTokenSource();
    this.cancellation = cancellation;
    const outer = token?.onCancellationRequested(() => cancellation.cancel());
    this.verdict = undefined;
    this.told = [];
    // The daemon works, and may have to start, while the page is made.
    const classifying = this.classify(cancellation.token);
    const bytes = await stat(this.file.fsPath).then(
      ({ size }) => size,
      () => 0,
    );
    if (this.cancellation === cancellation) {
      const uri = this.panel.webview.asWebviewUri(this.file).toString();
      this.tell({ type: 'detecting', file: this.names, audio: { uri, bytes } });
    }
    const outcome = await classifying;
    outer?.dispose();
    cancellation.dispose();
    // A later detection, or the end of the panel, has taken over.
    if (this.cancellation !== cancellation) return;
    this.cancellation = undefined;
    this.tell(outcome);
  }

  dispose(): void {
    this.cancellation?.cancel();
    this.cancellation = undefined;
    this.owned.dispose();
  }

  private async classify(token: vscode.CancellationToken): Promise<DetectionMessage> {
    try {
      const daemon = await this.services.daemon();
      const onPart = (part: ReportPart) => {
        if (!token.isCancellationRequested && this.told.length > 0) this.tell({ type: 'part', part });
      };
      const verdict = await daemon.report(this.file.fsPath, onPart, token);
      this.verdict = verdict;
      return { type: 'verdict', verdict };
    } catch (error) {
      const cancelled = error instanceof vscode.CancellationError;
      return {
        type: 'failure',
        message: cancelled ? vscode.l10n.t('The detection was cancelled.') : messageOf(error),
      };
    }
  }

  private receive(message: FromReport): void {
    switch (message.type) {
      case 'ready':
        for (const told of this.told) this.post(told);
        break;
      case 'stop':
        this.cancellation?.cancel();
        break;
      case 'retry':
        void withSlowProgress(vscode.l10n.t('Detecting deepfake'), (token) => this.detect(token));
        break;
      case 'copyJson':
        void this.copyJson();
        break;
      case 'needPlayable':
        void this.sendPlayable(message.start);
        break;
      case 'needDetail':
        void this.sendDetail(message.start, message.end);
        break;
      case 'savePng':
        void this.save('png', pictureBytes(message.picture, 'png'));
        break;
      case 'saveHtml':
        if (this.verdict !== undefined) {
          void this.save('html', Buffer.from(savedReport(this.names, this.verdict, message.pictures)));
        }
        break;
    }
  }

  private async copyJson(): Promise<void> {
    if (this.verdict === undefined) return;
    await vscode.env.clipboard.writeText(JSON.stringify(verdictJson(this.verdict), null, 2));
    vscode.window.setStatusBarMessage(vscode.l10n.t('The verdict was copied as JSON'), 3000);
  }

  private async save(format: 'html' | 'png', bytes: Uint8Array): Promise<void> {
    const saved = vscode.Uri.joinPath(
      this.file,
      '..',
      `${basename(this.file.fsPath)} - deepfake report.${format}`,
    );
    const filters = { [format.toUpperCase()]: [format] };
    const target = await vscode.window.showSaveDialog({ defaultUri: saved, filters });
    if (target === undefined) return;
    try {
      await vscode.workspace.fs.writeFile(target, bytes);
    } catch (error) {
      const message = vscode.l10n.t('The report could not be saved: {0}', messageOf(error));
      void vscode.window.showErrorMessage(message);
      return;
    }
    vscode.window.setStatusBarMessage(vscode.l10n.t('Saved {0}', basename(target.fsPath)), 3000);
  }

  private async sendDetail(start: number, end: number): Promise<void> {
    try {
      const daemon = await this.services.daemon();
      const pictures = await daemon.reportDetail({ file: this.file.fsPath, start, end });
      this.post({ type: 'detail', pictures });
    } catch (error) {
      // What is shown stays, in less detail.
      this.services.log.warn(messageOf(error));
    }
  }

  private async sendPlayable(start: number): Promise<void> {
    try {
      const daemon = await this.services.daemon();
      const slice = await daemon.playableAudio({ file: this.file.fsPath, start });
      this.post({ type: 'playable', slice });
    } catch (error) {
      this.post({ type: 'notPlayable', message: messageOf(error) });
    }
  }

  private get names(): FileNames {
    return {
      name: basename(this.file.fsPath),
      folder: folderLabel(dirname(this.file.fsPath)),
      uri: this.file.toString(),
    };
  }

  /** Says how the detection goes; not waiting for the page, to which VS Code hands what comes early as soon as it is made. */
  private tell(message: DetectionMessage): void {
    const numbered = { ...message, number: ++this.messages };
    this.told = [...this.told.slice(0, 1), numbered];
    this.post(numbered);
  }

  private post(message: ToReport): void {
    void this.panel.webview.postMessage(message);
  }
}
