import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type LaunchOptions } from 'playwright-core';
import type { Host } from './provision.mjs';
import { HostUnavailable } from './provision.mjs';

const SYSTEM_BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Runs without a display and as root, and finds no name but that of this machine. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-sync',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--no-proxy-server',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];

/**
 * A headless Chromium: the system's, or else the one from npm, which needs nothing but glibc.
 * @throws HostUnavailable when none of them starts.
 */
export async function launchBrowser(host: Host): Promise<Browser> {
  const candidates: LaunchOptions[] = systemBrowsers().map((executablePath) => ({ executablePath }));
  candidates.push(carriedBrowser(host.chromium));
  const failures: string[] = [];
  for (const candidate of candidates) {
    try {
      return await chromium.launch({ ...candidate, headless: true, args: ARGUMENTS });
    } catch (error) {
      failures.push(`${candidate.executablePath}: ${reasonOf(error)}`);
    }
  }
  throw new HostUnavailable(
    `no Chromium starts here (${failures.join('; ')}); install one, for instance with "apt install chromium"`,
  );
}

function systemBrowsers(): string[] {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return SYSTEM_BROWSERS.flatMap((name) => folders.map((folder) => join(folder, name)))
    .filter((path) => existsSync(path))
    .slice(0, 1);
}

function carriedBrowser(folder: string): LaunchOptions {
  const fonts = join(folder, 'fonts');
  const libraries = [join(folder, 'al2023', 'lib'), process.env.LD_LIBRARY_PATH ?? ''];
  return {
    executablePath: join(folder, 'chromium'),
    env: {
      ...process.env,
      LD_LIBRARY_PATH: libraries.filter((path) => path !== '').join(delimiter),
      FONTCONFIG_PATH: fonts,
      FONTCONFIG_FILE: join(fonts, 'fonts.conf'),
    },
  };
}

/** The line of a launch failure that says what is missing. */
function reasonOf(error: unknown): string {
  const lines = String(error).split('\n');
  return (lines.find((line) => /error while loading|not found|cannot open/i.test(line)) ?? lines[0]).trim();
}
