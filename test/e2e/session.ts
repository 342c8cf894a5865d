import { cpSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../daemon/paths.ts';
import { findHost } from '../host/availability.ts';
import { developmentPath } from '../host/provision.mjs';
import { startVsCode } from '../host/vscodeServer.ts';
import { VsCodeWindow } from './vscodeWindow.ts';

export interface Session {
  /** Why the tests cannot run here; false where they can. */
  skip: string | false;
  /** Only where the tests can run. */
  window: VsCodeWindow;
  /** The folder opened, with copies of the sample clips. */
  folder: string;
  close(): Promise<void>;
}

/**
 * Opens a real VS Code with the extension on a folder of its own.
 * @param extension Folder with a built extension; default: this package.
 * @param vsix A package of the extension, which is installed instead.
 * @param trust Whether VS Code restricts what it opens until it is trusted.
 * @param prepare Puts more files into the folder before it is opened; what it returns, a `.code-workspace` file for instance, is opened instead.
 */
export async function openSession({
  extension,
  vsix,
  trust,
  prepare = () => {},
}: {
  extension?: string;
  vsix?: string;
  trust?: boolean;
  // biome-ignore lint/suspicious/noConfusingVoidType: most return nothing.
  prepare?: (folder: string) => string | void | Promise<string | void>;
} = {}): Promise<Session> {
  const found = await findHost(packageRoot);
  if ('skip' in found) {
    return { skip: found.skip, window: undefined as never, folder: '', close: async () => {} };
  }
  const { host, browser } = found;
  const folder = await mkdtemp(join(tmpdir(), 'clips-'));
  cpSync(join(packageRoot, 'media', 'samples'), folder, { recursive: true });
  const toOpen = (await prepare(folder)) ?? folder;
  const server = await startVsCode(host, { vsix, trust });
  const close = async () => {
    await browser.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const opened = server.installed ?? extension ?? (await developmentPath(packageRoot));
    const window = await VsCodeWindow.open(browser, server, opened, toOpen);
    return { skip: false, window, folder, close };
  } catch (error) {
    await close();
    throw error;
  }
}
