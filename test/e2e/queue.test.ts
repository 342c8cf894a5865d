import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';
import { encodeWav } from '../../scripts/encodeWav.ts';
import { testSound } from '../helpers.ts';
import { RedisServer, withoutRedis } from '../scan/redisServer.ts';
import { openSession, type Session } from './session.ts';

const FILES = 60;

const redis = withoutRedis ? undefined : await RedisServer.start();
const session: Session | undefined =
  redis &&
  (await openSession({
    prepare: (folder) => {
      const archive = join(folder, 'archive');
      mkdirSync(archive);
      for (let i = 0; i < FILES; i++)
        writeFileSync(join(archive, `clip-${i}.wav`), encodeWav(testSound('noise', 1, i), 16_000));
      mkdirSync(join(folder, '.vscode'));
      const settings = { 'deepfake.scan.queue': redis.url };
      writeFileSync(join(folder, '.vscode', 'settings.json'), JSON.stringify(settings));
    },
  }));
after(() => session?.close());
const skip = withoutRedis || session?.skip || false;

test('a scan on other machines says that it waits for them, and shows what they find', { skip }, async () => {
  const { window } = session as Session;
  await window.chooseInMenu('archive', 'Scan for Deepfakes');
  await window.scanStatus.filter({ hasText: `0 of ${FILES} files, waiting for a worker` }).waitFor();
  await window.screenshot('scan-waits-for-worker');
  const worker = spawn(
    process.execPath,
    [join(packageRoot, 'dist', 'cli.js'), 'worker', '--queue', redis?.url as string],
    { stdio: 'ignore' },
  );
  try {
    await window.page.locator('.statusbar', { hasText: `Scanned: ${FILES} Inconclusive` }).waitFor();
    await window.screenshot('scan-by-worker');
  } finally {
    worker.kill();
  }
});
