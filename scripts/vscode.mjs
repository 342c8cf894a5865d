// npm run vscode: builds, then opens VS Code with this extension and the sample clips.
//   npm run vscode               the desktop's VS Code; where there is none, VS Code's server from npm, in a browser
//   npm run vscode -- --browser  the server in any case
//   npm run vscode -- FOLDER     another folder than the samples
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { developmentPath, HostUnavailable, provisionHost } from '../test/host/provision.mjs';
import { prepare, root } from './prepare.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { browser: { type: 'boolean', default: false } },
});
const folder =
  positionals.length > 0
    ? resolve(process.env.INIT_CWD ?? process.cwd(), positionals[0])
    : join(root, 'media', 'samples');
if (!existsSync(folder)) {
  console.error(`error: there is no folder ${folder}.`);
  process.exit(1);
}

prepare();
const desktop = values.browser ? undefined : findDesktop();
if (desktop !== undefined) openDesktop(desktop);
else await serveInBrowser();

/** The program that opens a window of the desktop's VS Code; undefined where there is none. */
function findDesktop() {
  if (process.platform !== 'win32')
    return spawnSync('code', ['--version'], { stdio: 'ignore' }).status === 0 ? 'code' : undefined;
  // On Windows `code` is a batch file in bin/; the program itself takes the same arguments.
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((path) => existsSync(join(path, 'code.cmd')))
    .map((path) => join(dirname(path), 'Code.exe'))
    .find((path) => existsSync(path));
}

function openDesktop(program) {
  const window = spawn(program, ['--new-window', `--extensionDevelopmentPath=${root}`, folder], {
    detached: true,
    stdio: 'ignore',
  });
  window.unref();
  console.log(`VS Code opens on ${folder}: right-click a clip and choose "Detect Deepfake".`);
}

/** Runs VS Code's server on the loopback interface until Ctrl+C. Its address holds a token without which it answers nobody. */
async function serveInBrowser() {
  console.error('Preparing VS Code from npm; the first time takes a minute or two …');
  let host;
  try {
    host = await provisionHost(root);
  } catch (error) {
    if (!(error instanceof HostUnavailable)) throw error;
    console.error(
      `error: There is no "code" command, and ${error.message}. Or install VS Code with its "code" command.`,
    );
    process.exit(1);
  }
  const extension = await developmentPath(root);
  const data = join(root, '.cache', 'vscode-data');
  writeSettings(join(data, 'data'));
  const token = randomBytes(20).toString('hex');
  const server = spawn(
    host.node,
    [
      join(host.codeServer, 'lib', 'vscode', 'out', 'server-main.js'),
      ...['--host', '127.0.0.1', '--port', '0', '--connection-token', token],
      ...['--server-data-dir', data, '--telemetry-level', 'off', '--accept-server-license-terms'],
      // Without it the server ignores that the address names an extension under development.
      '--enable-smoke-test-driver',
    ],
    {
      // A group of its own: Ctrl+C comes here, and every process of VS Code is ended from here.
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, EXTENSIONS_GALLERY: '{"serviceUrl":""}' },
    },
  );
  const end = (signal) => {
    try {
      process.kill(-server.pid, signal);
    } catch {
      // Every process of the group has ended.
    }
  };
  process.once('exit', () => end('SIGKILL'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => end('SIGTERM'));

  let printed = '';
  let announced = false;
  server.stdout.setEncoding('utf8').on('data', (text) => {
    if (announced) return;
    printed += text;
    const port = /agent listening on (\d+)/.exec(printed)?.[1];
    if (port === undefined) return;
    announced = true;
    console.log(`
Open in a browser:
  ${address(`127.0.0.1:${port}`, token, extension)}
then right-click a clip and choose "Detect Deepfake". The address works on this machine only; Ctrl+C ends VS Code.`);
  });
  const [code] = await once(server, 'exit');
  if (!announced) {
    console.error(`error: VS Code ended with code ${code}:\n${printed}`);
    process.exit(1);
  }
}

function address(authority, token, extension) {
  const payload = [
    ['skipWelcome', 'true'],
    ['extensionDevelopmentPath', `vscode-remote://${authority}${pathToFileURL(extension).pathname}`],
  ];
  return `http://${authority}/?${new URLSearchParams({ tkn: token, folder, payload: JSON.stringify(payload) })}`;
}

/** A window without a welcome page, offers and look-ups; what is changed in it later stays. */
function writeSettings(userData) {
  const settings = {
    'chat.disableAIFeatures': true,
    'extensions.ignoreRecommendations': true,
    'security.workspace.trust.enabled': false,
    'telemetry.telemetryLevel': 'off',
    'workbench.startupEditor': 'none',
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
  };
  // VS Code's web build reads user settings from one place, its extension host from another.
  for (const name of ['User', 'Machine']) {
    const file = join(userData, name, 'settings.json');
    if (existsSync(file)) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(settings, null, 2)}\n`);
  }
}
