import type { Browser } from 'playwright-core';
import { launchBrowser } from './browser.ts';
import { type Host, HostUnavailable, provisionHost } from './provision.mjs';

export type Availability = { host: Host; browser: Browser } | { skip: string };

/** A real VS Code and a running Chromium, or the reason why tests that need them are skipped. */
export async function findHost(packageRoot: string): Promise<Availability> {
  try {
    const host = await provisionHost(packageRoot);
    return { host, browser: await launchBrowser(host) };
  } catch (error) {
    if (error instanceof HostUnavailable) return { skip: error.message };
    throw error;
  }
}
