// npm run test:electron – the integration suite on desktop VS Code, which is downloaded into .cache/vscode-test.
//   npm run test:electron                 the current version
//   npm run test:electron -- 1.100.0      another one
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadTool } from '../../scripts/package/tools.mjs';
import { UNAVAILABLE_EXIT_CODE } from '../../scripts/package/unavailable.mjs';
import { prepare, root } from '../../scripts/prepare.mjs';

const DOWNLOAD_LIMIT_MS = 60_000;
const version = process.argv[2] ?? 'stable';

prepare({ tests: true });
const { runTests, downloadAndUnzipVSCode } = await orUnavailable(
  'The test runner could not be fetched',
  loadTool('@vscode/test-electron'),
);
const cachePath = join(root, '.cache', 'vscode-test');
const vscodeExecutablePath = await orUnavailable(
  `VS Code ${version} could not be downloaded`,
  downloadAndUnzipVSCode({ version, cachePath, timeout: DOWNLOAD_LIMIT_MS }),
);
if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) {
  unavailable('There is no display for a window of VS Code: run "xvfb-run -a npm run test:electron".');
}

const userData = mkdtempSync(join(tmpdir(), 'vscode-user-'));
try {
  await runTests({
    vscodeExecutablePath,
    extensionDevelopmentPath: root,
    extensionTestsPath: join(root, 'dist', 'test', 'integration', 'suite.cjs'),
    launchArgs: [join(root, 'media', 'samples'), '--disable-extensions', `--user-data-dir=${userData}`],
  });
} catch (error) {
  console.error(`error: the integration suite failed on VS Code ${version}: ${error.message ?? error}.`);
  process.exitCode = 1;
} finally {
  rmSync(userData, { recursive: true, force: true });
}

/** What a promise gives; this process ends where it fails. */
async function orUnavailable(what, promise) {
  try {
    return await promise;
  } catch (error) {
    return unavailable(`${what}: ${error.message ?? error}. Connect to the network and try again.`);
  }
}

function unavailable(sentence) {
  console.error(`error: ${sentence} No test was run.`);
  process.exit(UNAVAILABLE_EXIT_CODE);
}
