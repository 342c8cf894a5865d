import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { PageResources } from './webviewPage.ts';

/** By file; they change only with the extension. */
const texts = new Map<string, string>();

/**
 * What a page needs that depends on its webview.
 * @param name Folder of its front-end below media/.
 */
export function webviewResources(
  webview: vscode.Webview,
  extensionUri: vscode.Uri,
  name: string,
): PageResources {
  const read = (file: string): string => {
    const path = join(extensionUri.fsPath, 'dist', 'media', name, file);
    const text = texts.get(path) ?? readFileSync(path, 'utf8');
    texts.set(path, text);
    return text;
  };
  return {
    cspSource: webview.cspSource,
    nonce: randomBytes(16).toString('base64url'),
    script: read('main.js'),
    style: read('main.css'),
    language: vscode.l10n.bundle === undefined ? 'en' : vscode.env.language,
    translations: vscode.l10n.bundle ?? {},
  };
}
