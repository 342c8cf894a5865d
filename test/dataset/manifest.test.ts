import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type DiscoveryOptions, discoverDataset, type Manifest } from '../../daemon/dataset/manifest.ts';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import { CORPUS } from '../helpers.ts';

/** A folder of its own per test, three levels deep so that metadata above it stays in the test's hands. */
let outer: string;
let root: string;

beforeEach(async () => {
  outer = await mkdtemp(join(tmpdir(), 'manifest-'));
  root = join(outer, 'b', 'c', 'd');
  await mkdir(root, { recursive: true });
});
afterEach(async () => {
  await rm(outer, { recursive: true, force: true });
});

/** Writes files given as path (relative to the root) and content, or path alone for an empty file. */
async function lay(...files: (string | [path: string, content: string | Buffer])[]): Promise<void> {
  for (const file of files) {
    const [path, content] = typeof file === 'string' ? [file, ''] : file;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

const labelsOf = (manifest: Manifest): Record<string, number> =>
  Object.fromEntries(manifest.clips.map(({ path, label }) => [relative(manifest.root, path), label]));

const discover = (options?: DiscoveryOptions) => discoverDataset(root, options);

async function rejectsWith(code: ErrorCode, work: Promise<unknown>): Promise<DeepfakeError> {
  let caught: unknown;
  try {
    await work;
  } catch (error) {
    caught = error;
  }
  assert.ok(caught instanceof DeepfakeError, `expected a DeepfakeError, got ${caught}`);
  assert.equal(ErrorCode[caught.code], ErrorCode[code]);
  assert.ok(!caught.message.includes('\n'));
  return caught;
}

describe('the folder of a data set', () => {
  it('is the given one where no known training folder lies below', async () => {
    await lay('real/a.wav', 'fake/b.wav');
    assert.equal((await discover()).root, root);
  });

  it('is the first known training folder that exists', async () => {
    await lay('for-original/training/real/a.wav', 'for-original/training/fake/a.wav');
    assert.equal((await discover()).root, join(root, 'for-original/training'));
    await lay('for-norm/training/real/a.wav', 'for-norm/training/fake/a.wav', 'for-norm/testing/real/z.wav');
    assert.equal((await discover()).root, join(root, 'for-norm/training'));
    await lay('LA norm/training/real/a.wav', 'LA norm/training/fake/a.wav');
    assert.equal((await discover()).root, join(root, 'LA norm/training'));
    await lay('LA norm/train/real/b.wav', 'LA norm/train/fake/b.wav');
    const manifest = await discover();
    assert.equal(manifest.root, join(root, 'LA norm/train'));
    assert.deepEqual(labelsOf(manifest), { 'fake/b.wav': 1, 'real/b.wav': 0 });
  });

  it('is found where an archive unpacks the training folder deeper', async () => {
    await lay(
      'versions/1/for-norm/for-norm/training/real/a.wav',
      'versions/1/for-norm/for-norm/training/fake/b.wav',
    );
    assert.equal((await discover()).root, join(root, 'versions/1/for-norm/for-norm/training'));
  });

  it('is the shallowest of several of one kind', async () => {
    await lay('a/b/for-norm/training/real/a.wav', 'a/b/for-norm/training/fake/b.wav');
    await lay('z/for-norm/training/real/a.wav', 'z/for-norm/training/fake/b.wav');
    assert.equal((await discover()).root, join(root, 'z/for-norm/training'));
  });

  it('is the training folder where for-norm itself is given', async () => {
    await lay('for-norm/training/real/a.wav', 'for-norm/training/fake/b.wav', 'for-norm/testing/real/c.wav');
    const manifest = await discoverDataset(join(root, 'for-norm'));
    assert.equal(manifest.root, join(root, 'for-norm/training'));
    assert.equal((await discoverDataset(join(root, 'for-norm/training'))).clips.length, 2);
  });

  it('brings along the validation and testing folders beside the training folder', async () => {
    const parts = ['training', 'validation', 'testing'];
    await lay(...parts.flatMap((part) => [`x/for-norm/${part}/real/a.wav`, `x/for-norm/${part}/fake/b.wav`]));
    await lay('x/for-norm/notes/real/c.wav', 'x/for-2sec/testing/real/d.wav');
    const manifest = await discover();
    assert.equal(manifest.root, join(root, 'x/for-norm/training'));
    assert.equal(manifest.name, 'for-norm');
    assert.deepEqual(
      manifest.clips.map(({ path, label, split }) => [
        relative(join(root, 'x/for-norm'), path),
        label,
        split,
      ]),
      ['training', 'testing', 'validation'].flatMap((part) => [
        [`${part}/fake/b.wav`, 1, part],
        [`${part}/real/a.wav`, 0, part],
      ]),
    );
    assert.deepEqual(manifest.labelSources, { metadata: 0, folder: 6, fileName: 0 });
    const given = await discoverDataset(join(root, 'x/for-norm/training'));
    assert.deepEqual([given.name, given.clips.length], ['training', 2]);
    assert.equal((await discoverDataset(join(root, 'x/for-norm'))).clips.length, 6);
  });

  it('leaves a folder beside the training folder out, and says so, where it lacks a class or labels', async () => {
    await lay('for-norm/training/real/a.wav', 'for-norm/training/fake/b.wav');
    await lay('for-norm/testing/real/c.wav', 'for-norm/validation/d.wav');
    const { clips, warnings } = await discover();
    assert.equal(clips.length, 2);
    assert.equal(warnings.length, 2);
    assert.match(warnings[0], /testing is not used: All 1 clips/);
    assert.match(warnings[1], /validation is not used: 1 of 1 clips/);
  });

  it('gives a sample of each of its parts', async () => {
    for (const part of ['training', 'testing']) {
      await lay(
        ...[1, 2, 3].flatMap((n) => [`for-norm/${part}/real/${n}.wav`, `for-norm/${part}/fake/${n}.wav`]),
      );
    }
    const { clips } = await discover({ samplePerClass: 2 });
    assert.deepEqual(
      clips.map(({ path }) => relative(join(root, 'for-norm'), path)),
      ['training', 'testing'].flatMap((part) =>
        ['fake/1', 'fake/2', 'real/1', 'real/2'].map((c) => `${part}/${c}.wav`),
      ),
    );
  });

  it('comes from DATASET_ROOT where none is given', async () => {
    await lay('real/a.wav', 'fake/b.wav');
    const before = process.env.DATASET_ROOT;
    try {
      process.env.DATASET_ROOT = root;
      assert.equal((await discoverDataset(undefined)).root, root);
      process.env.DATASET_ROOT = join(root, 'nowhere');
      assert.match(
        (await rejectsWith(ErrorCode.DatasetNotFound, discoverDataset(undefined))).message,
        /DATASET_ROOT/,
      );
      assert.equal((await discoverDataset(root)).root, root);
      delete process.env.DATASET_ROOT;
      const { message } = await rejectsWith(ErrorCode.DatasetNotFound, discoverDataset(undefined));
      assert.match(message, /--data-root/);
      assert.match(message, /DATASET_ROOT/);
    } finally {
      if (before === undefined) {
        delete process.env.DATASET_ROOT;
      } else {
        process.env.DATASET_ROOT = before;
      }
    }
  });

  it('must exist, be a folder and hold audio', async () => {
    assert.match(
      (await rejectsWith(ErrorCode.DatasetNotFound, discoverDataset(join(root, 'x')))).message,
      /does not exist/,
    );
    await lay(['notes.md', 'x']);
    assert.match(
      (await rejectsWith(ErrorCode.DatasetNotFound, discoverDataset(join(root, 'notes.md')))).message,
      /not a folder/,
    );
    assert.ok((await rejectsWith(ErrorCode.DatasetEmpty, discover())).message.includes(root));
  });
});

describe('the audio files of a data set', () => {
  it('have one of six extensions in any case and are not hidden', async () => {
    await lay('real/a.wav', 'real/b.MP3', 'real/c.flac', 'fake/d.ogg', 'fake/e.M4a', 'fake/f.aac');
    await lay('real/._a.wav', '.trash/fake/x.wav', 'fake/g.txt', 'fake/h.aiff', 'fake/wav');
    assert.deepEqual(Object.keys(labelsOf(await discover())), [
      'fake/d.ogg',
      'fake/e.M4a',
      'fake/f.aac',
      'real/a.wav',
      'real/b.MP3',
      'real/c.flac',
    ]);
  });

  it('come in the order in which Python sorts paths: by parts, then by code point', async () => {
    await lay(
      'real/a-b/1.wav',
      'real/a/2.wav',
      'real/a/10.wav',
      'real/Z.wav',
      'real/\u{1f600}.wav',
      'real/\uff21.wav',
      'fake/x.wav',
    );
    assert.deepEqual(Object.keys(labelsOf(await discover())), [
      'fake/x.wav',
      'real/Z.wav',
      'real/a/10.wav',
      'real/a/2.wav',
      'real/a-b/1.wav',
      'real/\uff21.wav',
      'real/\u{1f600}.wav',
    ]);
  });

  it('are each listed once although links lead round in circles', async () => {
    await lay('real/a.wav', 'fake/b.wav');
    await symlink(root, join(root, 'fake', 'again'));
    await symlink(join(root, 'real'), join(root, 'fake', 'ai'));
    await symlink(join(root, 'missing.wav'), join(root, 'real', 'broken.wav'));
    assert.deepEqual(labelsOf(await discover()), { 'fake/b.wav': 1, 'real/a.wav': 0 });
  });

  it('are found behind links to files and folders elsewhere', async () => {
    await lay('elsewhere/voices/a.wav', 'elsewhere/b.wav', 'set/fake/c.wav');
    await symlink(join(root, 'elsewhere/voices'), join(root, 'set/real'));
    await symlink(join(root, 'elsewhere/b.wav'), join(root, 'set/fake/b.wav'));
    const manifest = await discoverDataset(join(root, 'set'));
    assert.deepEqual(labelsOf(manifest), { 'fake/b.wav': 1, 'fake/c.wav': 1, 'real/a.wav': 0 });
  });

  it('are not silently missing where a folder cannot be listed', async (t) => {
    if (process.getuid?.() === 0 || process.platform === 'win32') {
      t.skip('this user may list every folder');
      return;
    }
    await lay('real/a.wav', 'fake/b.wav', 'fake/closed/c.wav');
    await chmod(join(root, 'fake/closed'), 0);
    const error = await rejectsWith(ErrorCode.FileUnreadable, discover());
    await chmod(join(root, 'fake/closed'), 0o700);
    assert.ok(error.message.includes('closed'));
  });

  it('are the first of each class in path order where a sample is asked for', async () => {
    await lay('real/a.wav', 'real/b.wav', 'real/c.wav', 'fake/a.wav', 'fake/b.wav', 'x_real.wav');
    const manifest = await discover({ samplePerClass: 2 });
    assert.deepEqual(labelsOf(manifest), {
      'fake/a.wav': 1,
      'fake/b.wav': 1,
      'real/a.wav': 0,
      'real/b.wav': 0,
    });
    assert.deepEqual(manifest.labelSources, { metadata: 0, folder: 4, fileName: 0 });
    assert.equal((await discover({ samplePerClass: 100 })).clips.length, 6);
    for (const samplePerClass of [0, -1, 1.5, Number.NaN]) {
      await rejectsWith(ErrorCode.InvalidArguments, discover({ samplePerClass }));
    }
  });

  it('know the split that a folder name declares', async () => {
    await lay(
      'train/real/a.wav',
      'train/fake/a.wav',
      'validation/real/b.wav',
      'Testing/fake/c.wav',
      'real/d.wav',
    );
    const splits = (await discover()).clips.map(({ path, split }) => [relative(root, path), split]);
    assert.deepEqual(splits, [
      ['Testing/fake/c.wav', 'testing'],
      ['real/d.wav', undefined],
      ['train/fake/a.wav', 'training'],
      ['train/real/a.wav', 'training'],
      ['validation/real/b.wav', 'validation'],
    ]);
  });
});

describe('labels from folder and file names', () => {
  it('accept every word of both classes as a folder name, in any case', async () => {
    const genuine = ['bonafide', 'bona-fide', 'Bona_Fide', 'genuine', 'HUMAN', 'real', 'authentic', '0'];
    const deepfake = ['spoof', 'Fake', 'deepfake', 'AI', 'generated', 'synthetic', '1'];
    await lay(...[...genuine, ...deepfake].map((word) => `${word}/x.wav`));
    const manifest = await discover();
    assert.deepEqual(
      labelsOf(manifest),
      Object.fromEntries([
        ...genuine.map((w) => [`${w}/x.wav`, 0]),
        ...deepfake.map((w) => [`${w}/x.wav`, 1]),
      ]),
    );
    assert.equal(manifest.labelSources.folder, genuine.length + deepfake.length);
  });

  it('take the innermost folder that is a label', async () => {
    await lay('fake/real/speaker/a.wav', 'real/fake/b.wav');
    assert.deepEqual(labelsOf(await discover()), { 'fake/real/speaker/a.wav': 0, 'real/fake/b.wav': 1 });
  });

  it('do not mistake numbered speakers below a class folder for classes', async () => {
    await lay('real/0/a.wav', 'real/1/a.wav', 'fake/0/a.wav', 'fake/1/a.wav');
    assert.deepEqual(labelsOf(await discover()), {
      'fake/0/a.wav': 1,
      'fake/1/a.wav': 1,
      'real/0/a.wav': 0,
      'real/1/a.wav': 0,
    });
  });

  it('disregard the names of the root and of what lies above it', async () => {
    await lay('deepfake/ai/a_real.wav', 'deepfake/ai/b_fake.wav');
    assert.deepEqual(labelsOf(await discoverDataset(join(root, 'deepfake/ai'))), {
      'a_real.wav': 0,
      'b_fake.wav': 1,
    });
  });

  it('prefer the folder to the file name', async () => {
    await lay('real/fake_news.wav', 'fake/human-1.wav');
    assert.deepEqual(labelsOf(await discover()), { 'fake/human-1.wav': 1, 'real/fake_news.wav': 0 });
  });

  it('split file names at underscore, hyphen, dot and space', async () => {
    const names = [
      'a_real_1.wav',
      'b-human.wav',
      'c.authentic.wav',
      'bona-fide 7.wav',
      'd bonafide.wav',
      'take_0.wav',
    ];
    const fakes = [
      'e_FAKE.wav',
      'f-ai-2.wav',
      'g.generated.mp3.wav',
      'h synthetic.wav',
      'spoof.wav',
      'take_1.wav',
    ];
    await lay(...names, ...fakes);
    const manifest = await discover();
    assert.deepEqual(
      labelsOf(manifest),
      Object.fromEntries([...names.map((n) => [n, 0]), ...fakes.map((n) => [n, 1])].sort()),
    );
    assert.equal(manifest.labelSources.fileName, 12);
  });

  it('do not find a word inside a longer one', async () => {
    await lay('real/a.wav', 'fake/b.wav', 'unreal/c.wav', 'said.wav');
    const error = await rejectsWith(ErrorCode.DatasetUnlabelled, discover());
    assert.match(error.message, /^2 of 4 clips .*\(said\.wav, unreal\/c\.wav\)/);
  });

  it('are not guessed where the words of a file name contradict each other', async () => {
    await lay('real_fake.wav', 'a_real_1.wav', 'b_fake_0.wav', '0_1.wav');
    const error = await rejectsWith(ErrorCode.DatasetUnlabelled, discover());
    assert.match(error.message, /^2 of 4 clips .*\(0_1\.wav, real_fake\.wav\)/);
  });

  it('are asked for with five examples and the accepted words', async () => {
    await lay(
      'real/a.wav',
      'fake/b.wav',
      ...['1x', '2x', '3x', '4x', '5x', '6x'].map((name) => `${name}.wav`),
    );
    const { message } = await rejectsWith(ErrorCode.DatasetUnlabelled, discover());
    assert.match(message, /\(1x\.wav, 2x\.wav, 3x\.wav, 4x\.wav, 5x\.wav, …\)/);
    for (const word of ['bonafide', 'authentic', 'spoof', 'synthetic', 'metadata']) {
      assert.ok(message.includes(word), word);
    }
  });

  it('must name both classes', async () => {
    await lay('fake/a.wav', 'fake/b.wav');
    const { message } = await rejectsWith(ErrorCode.DatasetOneClass, discover());
    assert.match(
      message,
      /^All 2 clips .* labelled Deepfake \(fake\/a\.wav, fake\/b\.wav\): add Genuine clips/,
    );
  });
});

describe('labels from metadata files', () => {
  it('go before folder and file names, and disagreement is reported', async () => {
    await lay('real/a_real.wav', 'fake/b.wav', 'c_real.wav', ['labels.csv', 'a_real.wav,fake\nb.wav,real\n']);
    const manifest = await discover();
    assert.deepEqual(labelsOf(manifest), { 'c_real.wav': 0, 'fake/b.wav': 0, 'real/a_real.wav': 1 });
    assert.deepEqual(manifest.labelSources, { metadata: 2, folder: 0, fileName: 1 });
    assert.match(manifest.warnings.join(), /disagree about 2 clip/);
  });

  it('are read from the root and three folders above, no further', async () => {
    await lay('a.wav', 'b.wav', 'x.wav', 'y.wav');
    await lay(['m.csv', 'a.wav,real'], ['../m.tsv', 'b.wav\tfake'], ['../../m.protocol', '7 x.wav - spoof']);
    await lay(['../../../m.txt', 'y.wav bonafide']);
    assert.deepEqual(labelsOf(await discover()), { 'a.wav': 0, 'b.wav': 1, 'x.wav': 1, 'y.wav': 0 });
    await mkdir(join(root, 'deeper'));
    await lay('deeper/y.wav', 'deeper/a.wav');
    const { message } = await rejectsWith(ErrorCode.DatasetUnlabelled, discoverDataset(join(root, 'deeper')));
    assert.match(message, /^1 of 2 clips .*\(y\.wav\)/);
  });

  it('find the clip by name, by stem, by path in either notation, and by stem of another format', async () => {
    await lay('name.wav', 'stem.flac', 'sub/path.wav', 'sub/windows.ogg', 'converted.flac', 'no.wav');
    await lay([
      'm.csv',
      'file,label\nname.wav,real\nstem,fake\n/mnt/data/sub/path.wav,real\nD:\\data\\sub\\windows.ogg,fake\nconverted.wav,1\nno.wav,0\n',
    ]);
    assert.deepEqual(labelsOf(await discover()), {
      'converted.flac': 1,
      'name.wav': 0,
      'no.wav': 0,
      'stem.flac': 1,
      'sub/path.wav': 0,
      'sub/windows.ogg': 1,
    });
  });

  it('read protocols that are separated by blanks, with a name that is a stem', async () => {
    await lay('flac/LA_T_1.flac', 'flac/LA_T_2.flac');
    await lay(['LA.cm.train.protocol', 'LA_0079 LA_T_1 - - bonafide\nLA_0079  LA_T_2 - A01 spoof\n']);
    assert.deepEqual(labelsOf(await discover()), { 'flac/LA_T_1.flac': 0, 'flac/LA_T_2.flac': 1 });
  });

  it('are the last label-like cell of a row, and the row is reported when its cells disagree', async () => {
    await lay('a.wav', 'b.wav', 'c.wav', ['m.csv', 'a.wav,fake,real,x\nb.wav,real,spoof\nc.wav,0,1\n']);
    const manifest = await discover();
    assert.deepEqual(labelsOf(manifest), { 'a.wav': 0, 'b.wav': 1, 'c.wav': 1 });
    assert.match(manifest.warnings.join(), /m\.csv has 3 row\(s\) that name both classes/);
  });

  it('are words rather than the numbers beside them', async () => {
    await lay('a.wav', 'b.wav', ['m.csv', 'file,label,speaker\na.wav,fake,0\nb.wav,real,1\n']);
    assert.deepEqual(labelsOf(await discover()), { 'a.wav': 1, 'b.wav': 0 });
  });

  it('are whole cells, so paths, yes, no and decimals are none', async () => {
    await lay('a.wav', 'b.wav');
    await lay([
      'm.csv',
      'path,label,seconds,free\nfake/a.wav, Bonafide ,1.00,yes\nreal/b.wav,"Spoof",0.0,no\n',
    ]);
    assert.deepEqual(labelsOf(await discover()), { 'a.wav': 0, 'b.wav': 1 });
  });

  it('do not take the cell that names the clip for a label, nor a label for a name', async () => {
    await lay('0.wav', '1.wav', 'real.wav', 'fake.wav');
    await lay(['m.csv', 'file,label\n0.wav,1\n1.wav,0\nreal.wav,fake\nfake.wav,real\nother.wav,1\n']);
    assert.deepEqual(labelsOf(await discover()), { '0.wav': 1, '1.wav': 0, 'fake.wav': 0, 'real.wav': 1 });
  });

  it('look for the label beside the cell that names the clip, wherever that is', async () => {
    await lay('real.wav', 'human.wav', ['m.csv', 'label,clip\nfake,real\ngenuine,human\n']);
    assert.deepEqual(labelsOf(await discover()), { 'human.wav': 0, 'real.wav': 1 });
  });

  it('take the first audio file of a row as the one it is about', async () => {
    await lay('copy.wav', 'original.wav');
    await lay(['m.csv', 'original.wav,real,\ncopy.wav,fake,original.wav\nabsent.wav,fake,original.wav\n']);
    assert.deepEqual(labelsOf(await discover()), { 'copy.wav': 1, 'original.wav': 0 });
  });

  it('tell clips of one name apart by the folders in the row', async () => {
    await lay('x/1.wav', 'y/1.wav', 'x/2.wav', ['m.csv', 'set/y/1.wav,fake\nset/x/1.wav,real\n2.wav,real\n']);
    assert.deepEqual(labelsOf(await discover()), { 'x/1.wav': 0, 'x/2.wav': 0, 'y/1.wav': 1 });
  });

  it('do not spread from a clip to its namesake in another folder', async () => {
    await lay('real/1.wav', 'fake/1.wav', ['m.csv', 'fake/1.wav,spoof\n']);
    assert.deepEqual(labelsOf(await discover()), { 'fake/1.wav': 1, 'real/1.wav': 0 });
  });

  it('are read from long protocols of stems too', async () => {
    const row = (i: number) => `LA_${i} LA_T_${i} - ${i % 2 ? 'spoof' : 'bonafide'}\n`;
    await lay('LA_T_1.wav', 'LA_T_9998.wav', [
      'train.txt',
      Array.from({ length: 10_000 }, (_, i) => row(i)).join(''),
    ]);
    assert.deepEqual(labelsOf(await discover()), { 'LA_T_1.wav': 1, 'LA_T_9998.wav': 0 });
  });

  it('come from the nearest file where several speak of a clip', async () => {
    await lay('a.wav', 'b.wav', ['m.csv', 'a.wav,real\nb.wav,fake'], ['../m.csv', 'a.wav,fake\nb.wav,real']);
    assert.deepEqual(labelsOf(await discover()), { 'a.wav': 0, 'b.wav': 1 });
  });

  it('are refused where rows contradict each other', async () => {
    await lay('a.wav', 'b.wav', 'c.wav', [
      'm.csv',
      'a.wav,real\nb.wav,fake\na.wav,fake\nb.wav,fake\nc.wav,real',
    ]);
    const { message } = await rejectsWith(ErrorCode.DatasetUnlabelled, discover());
    assert.match(message, /^1 of 3 clips have rows for both classes \(a\.wav\): correct .*m\.csv\.$/);
  });

  it('are recognised behind tabs, semicolons, bars, quotes, byte order marks and Windows line ends', async () => {
    const names = ['tab', 'semi colon', 'bar', 'quo,ted', 'bom', 'sixteen', 'old mac'];
    await lay(...names.map((name) => `${name}.wav`), 'z_real.wav');
    await lay(
      ['1.txt', 'tab.wav\tfake\r\n'],
      ['2.csv', '"semi colon.wav";"fake"\r\n'],
      ['3.txt', 'bar.wav|fake|"Hello, he said\n'],
      ['4.csv', 'x,y\n"quo,ted.wav","a ""real"" thing",fake\n'],
      ['5.csv', '\ufeffbom.wav,fake\n'],
      ['6.csv', Buffer.from('\ufeffsixteen.wav,fake\n', 'utf16le')],
      ['7.csv', 'x,y\rold mac.wav,fake\r'],
    );
    assert.deepEqual(labelsOf(await discover()), {
      ...Object.fromEntries(names.map((name) => [`${name}.wav`, 1])),
      'z_real.wav': 0,
    });
  });

  it('find accented names in either Unicode form', async () => {
    await lay('caf\u00e9.wav', 'a_fake.wav', ['m.csv', 'cafe\u0301.wav,real\n']);
    assert.deepEqual(labelsOf(await discover()), { 'a_fake.wav': 1, 'caf\u00e9.wav': 0 });
  });

  it('are not read out of prose, binary files, folders or hidden files', async () => {
    await lay('real/a.wav', 'fake/human.wav');
    await lay(
      ['README.txt', 'This is a real thing\nthat a human made\nout of a fake\n'],
      ['story.txt', 'a fake'],
      ['data.csv', Buffer.from('a.wav,fake\n\0\0\0')],
      ['._m.csv', 'a.wav,fake\n'],
      'folder.csv/x.md',
      ['empty.csv', ''],
    );
    const manifest = await discover();
    assert.deepEqual(labelsOf(manifest), { 'fake/human.wav': 1, 'real/a.wav': 0 });
    assert.deepEqual(manifest.warnings, []);
  });

  it('are not sought in a file of more than 64 MB, which is reported', async () => {
    await lay('real/a.wav', 'fake/b.wav', ['../big.csv', 'a.wav,fake\n'.padEnd(65 * 2 ** 20, ' ')]);
    const manifest = await discover();
    assert.deepEqual(labelsOf(manifest), { 'fake/b.wav': 1, 'real/a.wav': 0 });
    assert.match(manifest.warnings.join(), /big\.csv was not read for labels: it is too large \(65 MB\)/);
  });

  it('survive a damaged file, which is reported and named again where labels are missing', async () => {
    await lay('real/a.wav', 'fake/b.wav', ['m.csv', 'a.wav,real\n"never closed,fake\nb.wav,real\n']);
    const manifest = await discover();
    assert.deepEqual(labelsOf(manifest), { 'fake/b.wav': 1, 'real/a.wav': 0 });
    assert.match(manifest.warnings.join(), /m\.csv was not read to its end/);
    await lay('c.wav');
    assert.match((await rejectsWith(ErrorCode.DatasetUnlabelled, discover())).message, /m\.csv was not read/);
  });
});

describe('the labelled speech corpus', {
  skip: existsSync(CORPUS) ? false : `${CORPUS} is not there`,
}, () => {
  for (const [part, genuine, deepfake] of [
    ['develop', 873, 873],
    ['test', 92, 91],
  ] as const) {
    it(`has ${genuine} genuine and ${deepfake} synthetic clips in ${part}`, async () => {
      const manifest = await discoverDataset(join(CORPUS, part));
      assert.equal(manifest.clips.filter(({ label }) => label === 0).length, genuine);
      assert.equal(manifest.clips.filter(({ label }) => label === 1).length, deepfake);
      assert.equal(manifest.labelSources.metadata, genuine + deepfake);
      assert.deepEqual(manifest.warnings, []);
      assert.ok(manifest.clips.every(({ path, label }) => path.includes(label ? '/deepfake/' : '/genuine/')));
    });
  }
});
