import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { distFile, packageRoot } from '../../daemon/paths.ts';
import { findHost } from '../host/availability.ts';
import { developmentPath } from '../host/provision.mjs';
import { startVsCode } from '../host/vscodeServer.ts';

const SAMPLES = join(packageRoot, 'media', 'samples');

const found = await findHost(packageRoot);
const skip = 'skip' in found ? found.skip : false;
after(() => ('browser' in found ? found.browser.close() : undefined));

test('the integration suite passes inside the extension host', { skip }, async (t) => {
  assert.ok('host' in found);
  const server = await startVsCode(found.host);
  try {
    const page = await found.browser.newPage();
    // VS Code tells through these how a run of tests goes.
    await page.exposeFunction('codeAutomationLog', (_type: string, args: unknown[]) => {
      if (/^(not )?ok: /.test(String(args[0]))) t.diagnostic(args.join(' '));
    });
    const exited = new Promise<number>((resolve) => page.exposeFunction('codeAutomationExit', resolve));
    await page.goto(
      server.windowUrl(SAMPLES, [
        ['extensionDevelopmentPath', server.remoteUri(await developmentPath(packageRoot))],
        ['extensionTestsPath', server.remoteUri(distFile('test/integration/suite.cjs'))],
      ]),
    );
    assert.equal(await exited, 0);
  } finally {
    await server.stop();
  }
});
