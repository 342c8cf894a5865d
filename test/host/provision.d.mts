export class HostUnavailable extends Error {}

export interface Host {
  /** The Node binary that code-server needs. */
  node: string;
  /** Folder of code-server. */
  codeServer: string;
  /** Folder with an unpacked Chromium, its libraries and fonts. */
  chromium: string;
}

export function provisionHost(packageRoot: string): Promise<Host>;
export function developmentPath(packageRoot: string): Promise<string>;
