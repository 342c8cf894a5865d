import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { formatModelConfig } from '../../daemon/model/modelConfig.ts';
import { packageRoot, shippedCheckpoint } from '../../daemon/paths.ts';
import { modelConfig, temporaryFolder, writeTestSound, writeUntrainedModel } from '../helpers.ts';
import { fail, runCli, succeed } from './runCli.ts';

const SAMPLE = join(packageRoot, 'media/samples/genuine-woman-english.flac');
const folder = temporaryFolder();
const path = (name: string) => join(folder, name);
let model: string[] = [];
let tone = '';
let noise = '';

before(async () => {
  const { checkpoint } = await writeUntrainedModel(join(folder, 'model'));
  model = ['--model', checkpoint];
  tone = await writeTestSound(path('tone.wav'), 'tone', 1.5, 1);
  noise = await writeTestSound(path('noise.wav'), 'noise', 6, 2);
});

describe('predict', { concurrency: 2 }, () => {
  it("prints one object for one file, the reference's four keys first", async () => {
    const verdict = JSON.parse(await succeed(['predict', tone, ...model]));
    assert.deepEqual(Object.keys(verdict).slice(0, 4), [
      'label',
      'confidence',
      'deepfake_probability',
      'threshold',
    ]);
    assert.match(verdict.label, /^(Genuine|Deepfake)$/);
    assert.equal(verdict.threshold, 0.5);
    assert.equal(verdict.label === 'Deepfake', verdict.deepfake_probability >= verdict.threshold);
    assert.equal(verdict.file, tone);
    assert.equal(verdict.windows.length, 1);
    assert.equal(verdict.audio.duration, 1.5);
  });

  it('prints an array for several files, in their order', async () => {
    const files = [noise, tone, noise];
    const verdicts = JSON.parse(await succeed(['predict', ...files, ...model]));
    assert.deepEqual(
      verdicts.map(({ file }: { file: string }) => file),
      files,
    );
    assert.equal(verdicts[0].deepfake_probability, verdicts[2].deepfake_probability);
    assert.equal(verdicts[0].windows.length, 2);
  });

  it('takes the configuration from elsewhere, the first window only, and --cpu', async () => {
    const config = path('other.json');
    await writeFile(config, formatModelConfig(modelConfig({ threshold: 0.01 })));
    const args = ['--config', config, '--first-window', '--cpu'];
    const verdict = JSON.parse(await succeed(['predict', noise, ...model, ...args]));
    assert.deepEqual([verdict.threshold, verdict.label, verdict.windows.length], [0.01, 'Deepfake', 1]);
  });

  it('answers for the files that it can read when others are broken, and fails in the end', async () => {
    const { code, stdout, stderr } = await runCli(['predict', tone, path('nowhere.wav'), ...model]);
    const entries = JSON.parse(stdout);
    assert.equal(entries[0].file, tone);
    assert.deepEqual(Object.keys(entries[1]), ['file', 'error']);
    assert.match(stderr, /^error: [^\n]*nowhere\.wav[^\n]*\n$/);
    assert.equal(code, 1);
  });

  it('prints a table where that is asked for', async () => {
    const table = await succeed(['predict', tone, noise, '--table', ...model]);
    assert.match(table, /File.*Verdict.*Deepfake probability/);
    assert.match(table, /tone\.wav/);
    assert.match(table, /6\.0 s/);
  });

  it('takes a thousand files', async () => {
    const stdout = await succeed(['predict', ...new Array(1000).fill(tone), ...model]);
    assert.equal(JSON.parse(stdout).length, 1000);
  });

  it('takes names with spaces, quotes, dashes and other scripts', async () => {
    const files = await Promise.all(
      ["it's a «tone» — 声.wav", '$(touch x) & more.wav', '-leading.wav'].map((name) =>
        writeTestSound(path(name), 'tone', 0.6, 4),
      ),
    );
    const verdicts = JSON.parse(await succeed(['predict', ...model, '--', ...files]));
    assert.equal(verdicts.length, 3);
  });
});

describe('predict refuses, in one line,', { concurrency: 2 }, () => {
  it('a missing file', () =>
    fail(['predict', path('nowhere.wav'), ...model], path('nowhere.wav'), /no.*file|exist|found/i));

  it('a folder', async () => {
    await mkdir(path('folder.wav'));
    await fail(['predict', path('folder.wav'), ...model], path('folder.wav'), /folder|director/);
  });

  it('an empty file', async () => {
    await writeFile(path('empty.wav'), '');
    await fail(['predict', path('empty.wav'), ...model], path('empty.wav'), /empty/);
  });

  it('a text called .mp3', async () => {
    await writeFile(path('text.mp3'), 'This is not music, it is a sentence.\n'.repeat(100));
    await fail(['predict', path('text.mp3'), ...model], path('text.mp3'), /audio/);
  });

  it('a truncated WAV', async () => {
    await writeFile(path('cut.wav'), (await readFile(tone)).subarray(0, 30));
    await fail(['predict', path('cut.wav'), ...model], path('cut.wav'), /WAV|cut|trunc|damaged/i);
  });

  it('a missing checkpoint', () =>
    fail(['predict', tone, '--model', path('no.safetensors')], path('no.safetensors'), /--model/));

  it('a checkpoint of the wrong shape', async () => {
    const small = await writeUntrainedModel(join(folder, 'small'), {
      architecture: { channels: [2, 3], dropout: 0 },
    });
    await writeFile(small.config, formatModelConfig(modelConfig()));
    await fail(['predict', tone, '--model', small.checkpoint], small.checkpoint, /shape \[2,1,3,3\]/);
  });

  it('a missing configuration', async () => {
    const bare = await writeUntrainedModel(join(folder, 'bare'));
    await rm(bare.config);
    await fail(['predict', tone, '--model', bare.checkpoint], bare.config, /--config/);
    await fail(['predict', tone, ...model, '--config', path('no.json')], path('no.json'), /--config/);
  });

  it('a configuration that is broken', async () => {
    await writeFile(path('broken.json'), '{');
    await fail(['predict', tone, ...model, '--config', path('broken.json')], path('broken.json'), /not JSON/);
  });

  it('an option that there is not', async () => {
    const { code, stderr } = await runCli(['predict', tone, '--modle', 'x']);
    assert.equal(code, 1);
    assert.match(stderr, /^error: unknown option '--modle'/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });
});

const noModel = existsSync(shippedCheckpoint) ? false : 'no model is shipped yet';

describe('predict with the shipped model', () => {
  it('needs no options', { skip: noModel }, async () => {
    const verdict = JSON.parse(await succeed(['predict', SAMPLE]));
    assert.equal(verdict.model.checkpoint, shippedCheckpoint);
    assert.ok(verdict.deepfake_probability >= 0 && verdict.deepfake_probability <= 1);
  });
});
