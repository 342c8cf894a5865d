import * as vscode from 'vscode';

/** The icon of a panel's tab: `NAME-light.svg` and `NAME-dark.svg` below media/icons. */
export function panelIcon(
  extensionUri: vscode.Uri,
  name: 'report' | 'training',
): { light: vscode.Uri; dark: vscode.Uri } {
  const icon = (theme: string) => vscode.Uri.joinPath(extensionUri, 'media', 'icons', `${name}-${theme}.svg`);
  return { light: icon('light'), dark: icon('dark') };
}
