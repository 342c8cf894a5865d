import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Host } from './provision.mjs';

/** Nothing that looks anything up, suggests anything, moves by itself or covers the window. */
const QUIET_SETTINGS = {
  'chat.disableAIFeatures': true,
  'explorer.autoReveal': false,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'security.workspace.trust.startupPrompt': 'never',
  'telemetry.telemetryLevel': 'off',
  // Text that tests can read, instead of a picture of it.
  'terminal.integrated.gpuAcceleration': 'off',
  'update.mode': 'none',
  'window.autoDetectColorScheme': true,
  'workbench.preferredDarkColorTheme': 'Dark Modern',
  'workbench.preferredLightColorTheme': 'Light Modern',
  'window.autoDetectHighContrast': true,
  'workbench.enableExperiments': false,
  'workbench.hover.delay': 60_000,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 5_000;

export interface VsCodeServer {
  /** Process id of the server; it leads a process group that holds every process of VS Code and its extensions. */
  pid: number;
  /** Folder of the extension that was installed, where one was. */
  installed: string | undefined;
  /**
   * Address of a window on a folder, or on a `.code-workspace` file.
   * @param payload Options of VS Code's command line, such as ['extensionDevelopmentPath', folder].
   */
  windowUrl(opened: string, payload?: [string, string][]): string;
  /** `path` as VS Code in the browser names a file of this machine. */
  remoteUri(path: string): string;
  /** Everything that the server has printed. */
  log(): string;
  /** Ends every process of the server and removes its data. */
  stop(): Promise<void>;
}

/**
 * Starts VS Code on a free port of the loopback interface, with data folders of its own.
 * @param environment Added to the few variables that the server gets.
 * @param settings User settings beside those that keep VS Code quiet.
 * @param trust Whether VS Code distinguishes workspaces that it trusts; those that it opens are then restricted, without a question.
 * @param vsix A package that is installed before, as a user installs it.
 */
export async function startVsCode(
  host: Host,
  {
    environment = {},
    settings = {},
    trust = false,
    vsix,
  }: {
    environment?: NodeJS.ProcessEnv;
    settings?: Record<string, unknown>;
    trust?: boolean;
    vsix?: string;
  } = {},
): Promise<VsCodeServer> {
  const data = await mkdtemp(join(tmpdir(), 'vscode-host-'));
  const home = join(data, 'home');
  const userData = join(data, 'user');
  await mkdir(home);
  writeSettings(userData, { ...QUIET_SETTINGS, 'security.workspace.trust.enabled': trust, ...settings });
  const config = join(data, 'config.yaml');
  writeFileSync(config, '');
  const extensions = join(data, 'extensions');
  const program = join(host.codeServer, 'out', 'node', 'entry.js');
  const folders = ['--config', config, '--user-data-dir', userData, '--extensions-dir', extensions];
  const env = {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    HOME: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_DATA_HOME: join(home, '.local', 'share'),
    TMPDIR: data,
    CS_DISABLE_PROXY: 'true',
    EXTENSIONS_GALLERY: '{"serviceUrl":""}',
    ...environment,
  };
  let installed: string | undefined;
  if (vsix !== undefined) {
    await promisify(execFile)(host.node, [program, ...folders, '--install-extension', vsix], { env });
    const name = readdirSync(extensions, { withFileTypes: true }).find((entry) => entry.isDirectory())?.name;
    if (name === undefined) throw new Error(`VS Code has not installed ${vsix}.`);
    installed = join(extensions, name);
  }
  const server = spawn(
    host.node,
    [
      program,
      ...folders,
      ...['--bind-addr', '127.0.0.1:0', '--auth', 'none'],
      ...['--disable-telemetry', '--disable-update-check'],
      ...(trust ? [] : ['--disable-workspace-trust']),
      ...['--disable-getting-started-override', '--ignore-last-opened'],
      // Without the smoke-test driver the payload of windowUrl is silently ignored.
      ...['--vscode-option', 'enable-smoke-test-driver'],
    ],
    {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    },
  );
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      process.kill(-server.pid!, signal);
    } catch {
      // Every process of the group has ended.
    }
  };
  const killOnExit = () => signalGroup('SIGKILL');
  process.once('exit', killOnExit);
  const exited = once(server, 'close');

  let log = '';
  const port = await new Promise<number>((resolve, reject) => {
    const limit = setTimeout(
      () => reject(new Error(`VS Code did not start within ${START_LIMIT_MS / 1000} s:\n${log}`)),
      START_LIMIT_MS,
    );
    const read = (text: string) => {
      log += text;
      const listening = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(log);
      if (listening) {
        clearTimeout(limit);
        resolve(Number(listening[1]));
      }
    };
    server.stdout.setEncoding('utf8').on('data', read);
    server.stderr.setEncoding('utf8').on('data', read);
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`VS Code ended with code ${code}:\n${log}`)));
  }).catch((error) => {
    signalGroup('SIGKILL');
    throw error;
  });

  const authority = `127.0.0.1:${port}`;
  return {
    pid: server.pid!,
    installed,
    remoteUri: (path) => `vscode-remote://${authority}${path}`,
    windowUrl: (opened, payload = []) =>
      `http://${authority}/?${new URLSearchParams({ [opened.endsWith('.code-workspace') ? 'workspace' : 'folder']: opened, payload: JSON.stringify([['skipWelcome', 'true'], ...payload]) })}`,
    log: () => log,
    stop: async () => {
      signalGroup('SIGTERM');
      const limit = setTimeout(() => signalGroup('SIGKILL'), STOP_LIMIT_MS);
      await exited;
      clearTimeout(limit);
      signalGroup('SIGKILL');
      process.removeListener('exit', killOnExit);
      await rm(data, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** VS Code's web build reads user settings from one place, its extension host machine settings from another. */
function writeSettings(userData: string, settings: Record<string, unknown>): void {
  for (const name of ['User', 'Machine']) {
    const folder = join(userData, name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings));
  }
}
