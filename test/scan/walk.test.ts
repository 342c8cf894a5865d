import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { type WalkOptions, walkAudio } from '../../daemon/scan/walk.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { isDeepfakeError, subfolder, temporaryFolder } from '../helpers.ts';

const folder = temporaryFolder();
let trees = 0;

/** A new folder with these files in it; a value is the file's content. */
function tree(files: Record<string, string> | string[]): string {
  const root = subfolder(folder, `tree${trees++}`);
  const entries = Array.isArray(files) ? files.map((name) => [name, ''] as const) : Object.entries(files);
  for (const [name, content] of entries) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

async function found(root: string, options: Partial<WalkOptions> = {}): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of walkAudio({ paths: [root], ...options })) {
    paths.push(relative(root, path).split('\\').join('/'));
  }
  return paths;
}

const linksWork = process.platform !== 'win32';

describe('the walk over folders', () => {
  it('finds audio files by extension, in path order', async () => {
    const root = tree([
      'b.wav',
      'a/z.MP3',
      'a/y/x.flac',
      'a.ogg',
      'c.m4a',
      'd.aac',
      'notes.txt',
      'wav',
      'e.wavx',
    ]);
    assert.deepEqual(await found(root), ['a/y/x.flac', 'a/z.MP3', 'a.ogg', 'b.wav', 'c.m4a', 'd.aac']);
  });

  it('takes a named file whatever its name, and only once', async () => {
    const root = tree(['recording.bin', 'a.wav']);
    const named = join(root, 'recording.bin');
    assert.deepEqual(await found(root, { paths: [named, root, named, join(root, 'a.wav')] }), [
      'recording.bin',
      'a.wav',
    ]);
  });

  it('finds a file once in folders that contain one another', async () => {
    const root = tree(['a/b.wav']);
    assert.deepEqual(await found(root, { paths: [root, join(root, 'a')] }), ['a/b.wav']);
  });

  it('narrows by include and exclude globs, which hold at any depth when they have no slash', async () => {
    const root = tree(['a.wav', 'a.mp3', 'x/b.wav', 'x/b.mp3', 'old/c.wav', 'y/old/d.wav', 'y/e.wav']);
    assert.deepEqual(await found(root, { include: ['*.wav'], exclude: ['old'] }), [
      'a.wav',
      'x/b.wav',
      'y/e.wav',
    ]);
    assert.deepEqual(await found(root, { include: ['x/**'] }), ['x/b.mp3', 'x/b.wav']);
    assert.deepEqual(await found(root, { exclude: ['old/', '**/*.mp3'] }), ['a.wav', 'x/b.wav', 'y/e.wav']);
    assert.deepEqual(await found(root, { include: ['*.{mp3,flac}'] }), ['a.mp3', 'x/b.mp3']);
  });

  it('leaves out what an ignore file names, with the syntax and the precedence of git', async () => {
    const root = tree({
      '.deepfakeignore': '# music\n*.mp3\n/top.wav\nskipped/\n!kept.mp3\n',
      'top.wav': '',
      'a.mp3': '',
      'kept.mp3': '',
      'in/top.wav': '',
      'in/a.mp3': '',
      'in/.deepfakeignore': '!a.mp3\nb.wav\n',
      'in/b.wav': '',
      'skipped/c.wav': '',
      'in/skipped/d.wav': '',
    });
    assert.deepEqual(await found(root), ['in/a.mp3', 'in/top.wav', 'kept.mp3']);
  });

  it('heeds the ignore files above the folder', async () => {
    const root = tree({ '.deepfakeignore': 'sub/no.wav\n', 'sub/no.wav': '', 'sub/yes.wav': '' });
    assert.deepEqual(await found(join(root, 'sub')), ['yes.wav']);
  });

  it('does not run in circles over links', { skip: !linksWork && 'links need rights here' }, async () => {
    const root = tree(['a/b.wav', 'other/c.wav']);
    symlinkSync(root, join(root, 'a', 'up'));
    symlinkSync(join(root, 'a'), join(root, 'again'));
    symlinkSync('self', join(root, 'self'));
    assert.deepEqual(await found(root), ['a/b.wav', 'other/c.wav']);
  });

  it('enters a linked folder that lies elsewhere and follows links to files', {
    skip: !linksWork && 'links need rights here',
  }, async () => {
    const elsewhere = tree(['far/x.wav', 'y.wav']);
    const root = tree(['z.wav']);
    symlinkSync(join(elsewhere, 'far'), join(root, 'link'));
    symlinkSync(join(elsewhere, 'y.wav'), join(root, 'y.wav'));
    symlinkSync(join(elsewhere, 'gone.wav'), join(root, 'dangling.wav'));
    assert.deepEqual(await found(root), ['dangling.wav', 'y.wav', 'z.wav', 'link/x.wav']);
  });

  it('reports a folder that it may not list and goes on', {
    skip: (!linksWork || process.getuid?.() === 0) && 'every folder can be listed by this user',
  }, async () => {
    const root = tree(['closed/a.wav', 'open/b.wav']);
    chmodSync(join(root, 'closed'), 0);
    const errors: (ErrorCode | undefined)[] = [];
    for await (const { error } of walkAudio({ paths: [root] })) errors.push(error?.code);
    chmodSync(join(root, 'closed'), 0o700);
    assert.deepEqual(errors, [ErrorCode.FileUnreadable, undefined]);
  });

  it('refuses a path that does not exist before anything is scanned', async () => {
    const missing = join(folder, 'missing');
    await assert.rejects(
      found(folder, { paths: [tree(['a.wav']), missing] }),
      isDeepfakeError(ErrorCode.FileNotFound, missing),
    );
  });

  it('copes with names that look like patterns, options or markup', async () => {
    const names = [
      '#.wav',
      '!x.wav',
      '[a].wav',
      '-rf.wav',
      'a b.wav',
      '<img src=x onerror=alert(1)>.wav',
      '..wav',
    ];
    const root = tree([
      '.deepfakeignore',
      ...(linksWork ? names : names.filter((name) => !name.startsWith('<'))),
    ]);
    assert.equal((await found(root)).length, linksWork ? names.length : names.length - 1);
  });

  it('counts globs from another folder where one is given', async () => {
    const root = tree(['raw/old/a.wav', 'raw/b.wav', 'old/c.wav']);
    const options = { paths: [join(root, 'raw')], exclude: ['raw/old/**'], base: root };
    assert.deepEqual(await found(root, options), ['raw/b.wav']);
  });

  it('holds globs and ignore files against named files where that is asked for', async () => {
    const root = tree({
      '.deepfakeignore': 'cut/',
      'cut/a.wav': '',
      'x/old/b.wav': '',
      'x/c.wav': '',
      'd.wav': '',
    });
    const paths = ['cut/a.wav', 'x/old/b.wav', 'x/c.wav', 'd.wav'].map((name) => join(root, name));
    const exclude = ['old'];
    assert.deepEqual(await found(root, { paths, exclude, base: root, filterNamed: true }), [
      'x/c.wav',
      'd.wav',
    ]);
    assert.equal((await found(root, { paths, exclude, base: root })).length, 4);
  });

  it('finds what does not exist with an error where that is asked for', async () => {
    const root = tree(['a.wav']);
    const paths = [join(root, 'gone.wav'), join(root, 'a.wav')];
    const errors: (ErrorCode | undefined)[] = [];
    for await (const { error } of walkAudio({ paths, allowMissing: true })) errors.push(error?.code);
    assert.deepEqual(errors, [ErrorCode.FileNotFound, undefined]);
  });
});
