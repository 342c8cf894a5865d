import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { withFolderLock } from '../../daemon/folderLock.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { isDeepfakeError, temporaryFolder } from '../helpers.ts';

const parent = temporaryFolder();
/** A folder with a lock in it, where one is given. */
async function newFolder(lock?: string) {
  const folder = await mkdtemp(join(parent, 'lock-'));
  const file = join(folder, 'lock');
  if (lock !== undefined) await writeFile(file, lock);
  return { folder, file };
}
const isTaken = (folder: string) => withFolderLock(folder, 'is at it', async () => readdir(folder));
/** Runs as long as this process does. */
const OTHER = process.ppid;
/** No process has a number as large as this. */
const GONE = 999_999_999;

describe('a folder lock', () => {
  it('lets one in at a time, and the next one when that has ended or failed', async () => {
    const { folder, file } = await newFolder();
    await withFolderLock(folder, 'is at it', async () => {
      assert.equal(await readFile(file, 'utf8'), String(process.pid));
      const message = new RegExp(`Process ${process.pid} is at it: wait .* delete`);
      await assert.rejects(isTaken(folder), isDeepfakeError(ErrorCode.WriteFailed, file, message));
    });
    await assert.rejects(
      withFolderLock(folder, 'is at it', async () => {
        throw new Error('failed');
      }),
      /failed/,
    );
    assert.deepEqual(await isTaken(folder), ['lock']);
    assert.deepEqual(await readdir(folder), []);
  });

  it('keeps others out while its process runs', async () => {
    const { folder, file } = await newFolder(String(OTHER));
    await assert.rejects(isTaken(folder), isDeepfakeError(ErrorCode.WriteFailed, file, /is at it/));
    assert.equal(await readFile(file, 'utf8'), String(OTHER));
  });

  it('keeps others out while its process has not yet said who it is, but not for long', async () => {
    const { folder, file } = await newFolder('');
    await assert.rejects(isTaken(folder), isDeepfakeError(ErrorCode.WriteFailed, file, /Another process is/));
    await utimes(file, 0, Date.now() / 1000 - 3);
    assert.deepEqual(await isTaken(folder), ['lock']);
  });

  it("of a process that was killed, or of its number in another life, stands in nobody's way", async () => {
    assert.deepEqual(await isTaken((await newFolder(String(GONE))).folder), ['lock']);
    // A container's first process often has the number of the last container's.
    assert.deepEqual(await isTaken((await newFolder(String(process.pid))).folder), ['lock']);
    const { folder, file } = await newFolder(String(OTHER));
    await utimes(file, 0, Date.now() / 1000 - uptime() - 60);
    assert.deepEqual(await isTaken(folder), ['lock']);
  });

  it('is taken over by one only', async () => {
    const { folder } = await newFolder(String(GONE));
    let inside = 0;
    const enter = () =>
      withFolderLock(folder, 'is at it', async () => {
        assert.equal(++inside, 1);
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
      });
    await Promise.allSettled([enter(), enter(), enter()]);
    assert.equal(inside, 0);
    assert.deepEqual(await readdir(folder), []);
  });

  it('says so where the folder is not there', async () => {
    const { folder, file } = await newFolder();
    await rm(folder, { recursive: true });
    await assert.rejects(isTaken(folder), isDeepfakeError(ErrorCode.WriteFailed, file));
  });
});
