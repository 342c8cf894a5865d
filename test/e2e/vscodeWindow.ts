import { readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { Browser, BrowserContext, FrameLocator, Locator, Page, Request } from 'playwright-core';
import { packageRoot } from '../../daemon/paths.ts';
import type { VsCodeServer } from '../host/vscodeServer.ts';

const SCREENSHOTS = join(packageRoot, '.cache', 'screenshots');
const DETECT = 'Detect Deepfake';
const START_LIMIT_MS = 60_000;
const STEP_LIMIT_MS = 30_000;

const PALETTE_ATTEMPTS = 5;
const PALETTE_PATIENCE_MS = 6000;
const TASK_ATTEMPTS = 5;
const TASK_PATIENCE_MS = 5000;

/** One window of VS Code with the extension under test, and what a user does in it. */
export class VsCodeWindow {
  private constructor(
    private readonly server: VsCodeServer,
    private readonly extension: string,
    private readonly context: BrowserContext,
    readonly page: Page,
    /** Requests to other hosts that no service worker of the window answered. */
    readonly foreignRequests: ReadonlySet<string>,
  ) {}

  /**
   * Opens `folder` and waits for the explorer.
   * @param extension Folder with a built extension, or of the installed one.
   */
  static async open(
    browser: Browser,
    server: VsCodeServer,
    extension: string,
    folder: string,
  ): Promise<VsCodeWindow> {
    const context = await browser.newContext({
      viewport: { width: 1400, height: 1150 },
      colorScheme: 'dark',
    });
    context.setDefaultTimeout(STEP_LIMIT_MS);
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const foreign = watchForeignRequests(context);
    const page = await context.newPage();
    const window = new VsCodeWindow(server, extension, context, page, foreign);
    const underDevelopment: [string, string][] =
      extension === server.installed ? [] : [['extensionDevelopmentPath', server.remoteUri(extension)]];
    await page.goto(server.windowUrl(folder, underDevelopment));
    await page
      .locator('.explorer-folders-view .monaco-list-row')
      .first()
      .waitFor({ timeout: START_LIMIT_MS });
    return window;
  }

  /** Chooses "Detect Deepfake" in the context menu of a file; when, in milliseconds since 1970. */
  detect(fileName: string): Promise<number> {
    return this.chooseInMenu(fileName, DETECT);
  }

  /** Chooses a command in the context menu of a file or folder; resolves right after that, to when it was. */
  async chooseInMenu(fileName: string, command: string): Promise<number> {
    const started = performance.now();
    do {
      await this.explorerItem(fileName).click({ button: 'right' });
      await this.menuItem('Cut').waitFor();
      if ((await this.menuItem(command).count()) > 0) {
        // A new menu ignores the mouse button for a moment, lest the click that opened it also chooses.
        await this.menuItem(command).hover();
        const chosen = Date.now();
        await this.page.keyboard.press('Enter');
        return chosen;
      }
      // A menu opened before the window knows its extensions lacks what they contribute for as long as it is open.
      await this.page.keyboard.press('Escape');
      await this.menuItem('Cut').waitFor({ state: 'detached' });
    } while (performance.now() - started < STEP_LIMIT_MS);
    throw new Error(`The menu of ${fileName} has no "${command}".`);
  }

  explorerItem(fileName: string): Locator {
    return this.page.locator(
      `.explorer-folders-view .monaco-list-row[aria-label^=${JSON.stringify(fileName)}]`,
    );
  }

  menuItem(label: string): Locator {
    return this.page.locator('.monaco-menu .action-item', { hasText: label });
  }

  tab(label: string): Locator {
    return this.page.locator('.tab', { hasText: label });
  }

  get statusItem(): Locator {
    return this.page.locator('.statusbar-item[id$="deepfake.status"]');
  }

  /** The status bar item that is there while a detector is being trained. */
  get trainingStatus(): Locator {
    return this.page.locator('.statusbar-item[id$="deepfake.training"]');
  }

  /** Rows of the findings whose text begins so, be they headings or files. */
  finding(label: string): Locator {
    return this.findings.locator(`.monaco-list-row[aria-label^=${JSON.stringify(label)}]`);
  }

  get findings(): Locator {
    return this.page.locator('.part.sidebar', {
      has: this.page.locator('[id="workbench.view.extension.deepfake"]'),
    });
  }

  /** The status bar item of a scan, while one runs. */
  get scanStatus(): Locator {
    return this.page.locator('.statusbar-item[id$="deepfake.scan"]');
  }

  /** Opens the list of notifications, since the driver of VS Code keeps them from popping up, and waits for one. */
  async notification(text: string): Promise<Locator> {
    const center = this.page.locator('.notifications-center.visible');
    if ((await center.count()) === 0) await this.page.locator('[id="status.notifications"]').click();
    const item = center.locator('.notification-list-item', { hasText: text });
    await item.waitFor();
    return item;
  }

  /** The report in front, or another page in the place of an editor. */
  get report(): FrameLocator {
    return this.webview(':not([src*="purpose=webviewView"])');
  }

  /**
   * When VS Code had made the page of the report in front and when the verdict was shown there, in milliseconds since 1970, by the
   * page's own clock: this process hears of it later.
   */
  reportTimes(): Promise<{ pageMade: number; verdictShown: number }> {
    return this.report.locator('body').evaluate(() => {
      const shown = performance.getEntriesByName('verdict-shown').at(-1)?.startTime ?? 0;
      const made = performance.timeOrigin;
      return { pageMade: Math.round(made), verdictShown: Math.round(made + shown) };
    });
  }

  /** The panel view with a card per file. */
  get results(): FrameLocator {
    return this.webview('[src*="purpose=webviewView"]');
  }

  private webview(attribute: string): FrameLocator {
    return this.page
      .locator(`iframe.webview${attribute}`)
      .filter({ visible: true })
      .contentFrame()
      .frameLocator('iframe#active-frame');
  }

  /** Runs a command by its title in the palette. */
  async run(title: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.chooseInPalette(title);
        return;
      } catch (error) {
        // A webview that finishes loading takes the focus, and the palette closes.
        if (attempt === PALETTE_ATTEMPTS) throw error;
      }
    }
  }

  private async chooseInPalette(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    const timeout = PALETTE_PATIENCE_MS;
    await this.page.locator('.quick-input-widget input').fill(`>${title}`, { timeout });
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: title });
    await row.first().click({ timeout });
  }

  /** Waits for a list of choices that holds a text, and chooses the first that does. */
  async choose(text: string): Promise<void> {
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first().click();
  }

  /** Answers an input box, or chooses in a list by typing. */
  async answer(text: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input');
    await input.fill(text);
    await input.press('Enter');
  }

  /** Gives a save dialog a path, once the dialog has written its own proposal. */
  async saveAs(path: string): Promise<void> {
    await this.page.waitForFunction(
      (extension) =>
        document.querySelector<HTMLInputElement>('.quick-input-widget input')?.value.endsWith(extension),
      extname(path),
    );
    await this.answer(path);
  }

  /** Runs a task by its label; tasks are known some moments after the window is there. */
  async runTask(label: string): Promise<void> {
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: label }).first();
    for (let attempt = 1; ; attempt++) {
      await this.run('Tasks: Run Task');
      try {
        await row.click({ timeout: TASK_PATIENCE_MS });
        return;
      } catch (error) {
        if (attempt === TASK_ATTEMPTS) throw error;
        await this.page.keyboard.press('Escape');
      }
    }
  }

  /** What the terminal in front shows. */
  get terminal(): Locator {
    return this.page.locator('.terminal-wrapper.active .xterm-rows');
  }

  /** Reloads as VS Code's own command does; a reload by the browser may come before the open editors are remembered. */
  async reload(): Promise<void> {
    const loaded = this.page.waitForEvent('load');
    await this.run('Developer: Reload Window');
    await loaded;
  }

  async useTheme(theme: 'dark' | 'light' | 'high-contrast'): Promise<void> {
    await this.page.emulateMedia({
      colorScheme: theme === 'light' ? 'light' : 'dark',
      forcedColors: theme === 'high-contrast' ? 'active' : 'none',
    });
    const className = { dark: 'vs-dark', light: 'vs', 'high-contrast': 'hc-black' }[theme];
    await this.page.locator(`.monaco-workbench.${className}`).waitFor();
    const bodyClass = theme === 'high-contrast' ? 'vscode-high-contrast' : `vscode-${theme}`;
    const pages = this.page.locator('iframe.webview').filter({ visible: true });
    for (const page of await pages.all()) {
      await page.contentFrame().frameLocator('iframe#active-frame').locator(`body.${bodyClass}`).waitFor();
    }
  }

  /** Written to .cache/screenshots, for people to look at. */
  async screenshot(name: string): Promise<void> {
    await mkdir(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  }

  /** Process ids of the daemons that this window's server runs. */
  daemonPids(): number[] {
    const daemon = join(this.extension, 'dist', 'daemon.js');
    return processes()
      .filter((process) => process.group === this.server.pid && process.command.includes(daemon))
      .map(({ pid }) => pid);
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}

/**
 * Webviews load their own resources from made-up hosts, which a service worker of the page answers; what it does not
 * answer is a request that would have left the machine.
 */
function watchForeignRequests(context: BrowserContext): ReadonlySet<string> {
  const foreign = new Set<string>();
  const isForeign = (request: Request) => {
    const { protocol, hostname } = new URL(request.url());
    return /^(http|ws)s?:$/.test(protocol) && !['127.0.0.1', 'localhost'].includes(hostname);
  };
  context.on('requestfinished', async (request) => {
    if (isForeign(request) && !(await request.response())?.fromServiceWorker()) foreign.add(request.url());
  });
  context.on('requestfailed', (request) => {
    // A player that has read enough aborts its request.
    if (isForeign(request) && request.failure()?.errorText !== 'net::ERR_ABORTED') {
      foreign.add(`${request.url()} (${request.failure()?.errorText})`);
    }
  });
  return foreign;
}

function processes(): { pid: number; group: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        // Fields after the command name in brackets: state, parent, process group.
        const group = Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[2]);
        return [{ pid: Number(name), group, command }];
      } catch {
        // It has ended since the folder was listed.
        return [];
      }
    });
}
