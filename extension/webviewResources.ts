import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { PageResources } from './webviewPage.ts';

/** The folder with the scripts and style sheets of all webviews. */
export function webviewMedia(extensionUri: vscode.Uri): vscode.Uri {
  return vscode.Uri.joinPath(extensionUri, 'dist', 'media');
}

/**
 * What a page needs that depends on its webview.
 * @param name Folder of its front-end below media/.
 */
export function webviewResources(
  webview: vscode.Webview,
  extensionUri: vscode.Uri,
  name: string,
): PageResources {
  const address = (file: string) =>
    webview.asWebviewUri(vscode.Uri.joinPath(webviewMedia(extensionUri), name, file)).toString();
  return {
    cspSource: webview.cspSource,
    nonce: randomBytes(16).toString('base64url'),
    scriptUri: address('main.js'),
    styleUri: address('main.css'),
    language: vscode.l10n.bundle === undefined ? 'en' : vscode.env.language,
    translations: vscode.l10n.bundle ?? {},
  };
}
