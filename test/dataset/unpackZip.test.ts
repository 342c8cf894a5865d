import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type UnpackOptions, unpackZip } from '../../daemon/dataset/unpackZip.ts';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import { type ZipEntry, zipFile } from './zipFile.ts';

let outer: string;
let target: string;
beforeEach(async () => {
  outer = await mkdtemp(join(tmpdir(), 'unpack-'));
  target = join(outer, 'a', 'b', 'target');
  await mkdir(target, { recursive: true });
});
afterEach(() => rm(outer, { recursive: true, force: true }));

async function unpack(content: Buffer | ZipEntry[], options?: UnpackOptions): Promise<void> {
  const archive = join(outer, 'archive.zip');
  await writeFile(archive, Array.isArray(content) ? zipFile(content) : content);
  await unpackZip(archive, target, options);
}

const invalid =
  (pattern: RegExp, code = ErrorCode.ArchiveInvalid) =>
  (error: unknown) => {
    assert.ok(error instanceof DeepfakeError, `expected a DeepfakeError, got ${error}`);
    assert.equal(ErrorCode[error.code], ErrorCode[code]);
    assert.match(error.message, pattern);
    assert.ok(!error.message.includes('\n'));
    return true;
  };

/** Everything below the test's folder but the archive. */
const everything = async () =>
  (await readdir(outer, { recursive: true })).filter((name) => name !== 'archive.zip').sort();

describe('unpacking an archive', () => {
  it('gives its files and folders, stored or compressed, byte for byte', async () => {
    const noise = randomBytes(300_000);
    const progress: number[] = [];
    let announced = 0;
    await unpack(
      [
        { name: 'for-norm/', mode: 0o040755 },
        { name: 'for-norm/training/real/ä 1.wav', content: noise, mode: 0o100644 },
        { name: 'for-norm/training/fake/2.wav', content: 'x'.repeat(1000), deflate: true },
        { name: 'empty.txt' },
      ],
      {
        onSize: async (bytes) => {
          announced = bytes;
        },
        onProgress: (done, total) => progress.push(done / total),
      },
    );
    assert.deepEqual(await readFile(join(target, 'for-norm/training/real/ä 1.wav')), noise);
    assert.equal(await readFile(join(target, 'for-norm/training/fake/2.wav'), 'utf8'), 'x'.repeat(1000));
    assert.equal((await stat(join(target, 'empty.txt'))).size, 0);
    assert.equal(announced, 301_000);
    assert.equal(progress.at(-1), 1);
  });

  const hostile: [string, ZipEntry[], RegExp][] = [
    ['leads upwards', [{ name: '../outside.wav' }], /relative path/],
    ['leads upwards half-way', [{ name: 'a/../../outside.wav' }], /relative path/],
    ['leads upwards with backslashes', [{ name: '..\\outside.wav' }], /relative path/],
    ['is absolute', [{ name: '/tmp/outside.wav' }], /absolute path/],
    ['names a drive', [{ name: 'C:/outside.wav' }], /absolute path/],
    ['names a drive without a slash', [{ name: 'C:outside.wav' }], /absolute path/],
    ['names a stream', [{ name: 'a.wav:hidden' }], /no part of a name/],
    ['contains a zero byte', [{ name: 'a\0.wav' }], /no part of a name/],
    ['has empty parts', [{ name: 'a//b.wav' }], /leads elsewhere/],
    ['has the part "."', [{ name: 'a/./b.wav' }], /leads elsewhere/],
    ['names a device', [{ name: 'real/NUL.wav' }], /names a device/],
    ['ends in a dot', [{ name: 'real./a.wav' }], /ends in a dot/],
    ['is too long', [{ name: `${'é'.repeat(128)}.wav` }], /too long/],
    ['is a symbolic link', [{ name: 'link', content: '/etc/passwd', mode: 0o120777 }], /not a regular file/],
    ['is a device', [{ name: 'device', mode: 0o060666 }], /not a regular file/],
    ['is a folder with content', [{ name: 'folder/', content: 'x' }], /folder with content/],
    ['occurs twice', [{ name: 'a.wav' }, { name: 'a.wav' }], /occurs twice/],
    ['occurs in two spellings', [{ name: 'a.wav' }, { name: 'A.WAV' }], /occurs twice/],
    ['is a file and a folder', [{ name: 'a' }, { name: 'a/b.wav' }], /lies in a file/],
    ['is a folder and a file', [{ name: 'a/b.wav' }, { name: 'a' }], /occurs twice/],
    [
      'is encrypted',
      [{ name: 'a.wav', content: 'x'.repeat(20), claimedSize: 8, encrypted: true }],
      /encrypted/,
    ],
    ['is packed in another way', [{ name: 'a.wav', method: 99 }], /not supported/],
  ];
  for (const [what, entries, pattern] of hostile) {
    it(`is refused, with nothing written, where an entry ${what}`, async () => {
      await assert.rejects(unpack([{ name: 'good.wav' }, ...entries]), invalid(pattern));
      assert.deepEqual(await everything(), ['a', 'a/b', 'a/b/target']);
    });
  }

  it('is refused where it unfolds to more than the limits', async () => {
    const bomb = { name: 'bomb.wav', content: Buffer.alloc(2_000_000), deflate: true };
    await assert.rejects(unpack([bomb]), invalid(/unfold to more than/));
    const limits = { entries: 2, bytes: 10, expansion: 100 };
    const small = (name: string) => ({ name, content: '12345' });
    await unpack([small('a'), small('b')], { limits });
    await assert.rejects(
      unpack([small('c'), { name: 'd', content: '123456' }], { limits }),
      invalid(/unfold/),
    );
    await assert.rejects(
      unpack([{ name: 'e' }, { name: 'f' }, { name: 'g' }], { limits }),
      invalid(/3 entries/),
    );
    assert.deepEqual((await readdir(target)).sort(), ['a', 'b']);
  });

  it('fails where an entry unfolds to more or less than it claims', async () => {
    const content = randomBytes(1000);
    const lying = (claimedSize: number) => [{ name: 'a.wav', content, deflate: true, claimedSize }];
    await assert.rejects(unpack(lying(10)), invalid(/too many bytes/));
    await rm(join(target, 'a.wav'), { force: true });
    await assert.rejects(unpack(lying(1001)), invalid(/not enough bytes/));
  });

  it('fails where bytes have changed, for the checksum does not fit', async () => {
    await assert.rejects(unpack([{ name: 'a.wav', content: 'sound', claimedCrc: 1 }]), invalid(/checksum/));
  });

  it('fails where the archive is cut off or is none', async () => {
    const whole = zipFile([{ name: 'a.wav', content: randomBytes(1000) }]);
    await assert.rejects(unpack(whole.subarray(0, 900)), invalid(/cannot be unpacked/));
    await assert.rejects(unpack(Buffer.from('<html>')), invalid(/cannot be unpacked/));
  });

  it('never writes through something that lies in its way', async () => {
    const victim = join(outer, 'victim');
    await writeFile(victim, 'untouched');
    await symlink(victim, join(target, 'a.wav'));
    await assert.rejects(unpack([{ name: 'a.wav', content: 'x' }]));
    assert.equal(await readFile(victim, 'utf8'), 'untouched');
  });

  it('stops when it is cancelled', async () => {
    const abort = new AbortController();
    const entries = Array.from({ length: 100 }, (_, i) => ({ name: `${i}.wav`, content: 'x' }));
    await assert.rejects(
      unpack(entries, { signal: abort.signal, onProgress: () => abort.abort() }),
      invalid(/cancelled/, ErrorCode.Cancelled),
    );
    const { length } = await readdir(target);
    assert.ok(length >= 1 && length < 100, String(length));
  });
});
