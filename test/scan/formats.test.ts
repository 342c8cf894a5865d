import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv-draft-04';
import formats from 'ajv-formats';
import { parse } from 'csv-parse/sync';
import type { Log } from 'sarif';
import { packageRoot } from '../../daemon/paths.ts';
import type { ReportContext } from '../../daemon/scan/formats/format.ts';
import { FORMATS, type FormatName, fileReport, formatOf, streamReport } from '../../daemon/scan/reports.ts';
import { ErrorCode } from '../../shared/errors.ts';
import type { ScannedFile, ScanSummary } from '../../shared/protocol.ts';
import type { Decision } from '../../shared/verdict.ts';
import { isDeepfakeError, subfolder, temporaryFolder } from '../helpers.ts';
import { scannedFile } from '../verdicts.ts';

const folder = temporaryFolder();
const base = resolve('/archive of sounds');

const context: ReportContext = {
  paths: [base],
  model: { name: 'Test <model>', checkpoint: join(base, 'm.safetensors'), sha256: 'cd'.repeat(32) },
  version: '1.2.3',
  started: new Date('2026-01-31T12:00:00Z'),
  base,
};

function resultOf(name: string, decision: Decision, probability: number): ScannedFile {
  const reasons = decision === 'Inconclusive' ? ['Neither, nor: {0} [link](http://x).'] : [];
  const file = join(base, name);
  const result = scannedFile(file, probability, { decision, reasons, model: context.model });
  return { ...result, contentHash: 'ab'.repeat(32) };
}

const HOSTILE = [
  '<img src=x onerror=alert(1)>.wav',
  '</script><script>alert(2)</script>.wav',
  '"quoted", with a comma.wav',
  'two\nlines\r.wav',
  '=HYPERLINK("http:x").wav',
  '\u001b[2J\u001b]0;title\u0007.wav',
  'reversed \u202evaw.exe.wav',
  '100%25?#{0}[a](b).wav',
  "quote'`$(1)&amp;.wav",
  'C:colon.wav',
  'a\\b.wav',
  '名前 – \u2028.wav',
];

const rows: ScannedFile[] = [
  ...HOSTILE.map((name, i) =>
    resultOf(name, (['Deepfake', 'Genuine', 'Inconclusive'] as const)[i % 3], i / 12),
  ),
  {
    file: join(base, '<b>gone</b>.wav'),
    cached: false,
    error: {
      code: ErrorCode.FileNotFound,
      message: `${join(base, '<b>gone</b>.wav')} is not there {0} [a](b).`,
    },
  },
];

const summary: ScanSummary = {
  files: 13,
  Genuine: 4,
  Deepfake: 4,
  Inconclusive: 4,
  failed: 1,
  unchanged: 0,
  recognized: 0,
  analyzed: 13,
  seconds: 2.5,
};

function written(format: FormatName, files: readonly ScannedFile[] = rows): string {
  const writer = FORMATS[format](context);
  return writer.begin() + files.map((file) => writer.row(file)).join('') + writer.end(summary);
}

describe('reports of a scan', () => {
  it('are one JSON array of the same objects as JSON Lines', () => {
    const lines = written('jsonl').trimEnd().split('\n');
    assert.deepEqual(
      JSON.parse(written('json')),
      lines.map((line) => JSON.parse(line)),
    );
    assert.deepEqual(JSON.parse(written('json', [])), []);
  });

  it('are JSON Lines with the keys of predict, a content hash and a reason for every file without a verdict', () => {
    const lines = written('jsonl')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ file }) => file),
      rows.map(({ file }) => file),
    );
    assert.deepEqual(Object.keys(lines[0]).slice(0, 4), [
      'label',
      'confidence',
      'deepfake_probability',
      'threshold',
    ]);
    assert.equal(lines[0].content_hash, 'ab'.repeat(32));
    assert.equal(lines[0].cached, false);
    assert.equal(lines[12].error.code, ErrorCode.FileNotFound);
  });

  it('are CSV that a parser reads back, names with quotes and line breaks included', () => {
    const cells: Record<string, string>[] = parse(written('csv'), { columns: true });
    assert.deepEqual(
      cells.map(({ file }) => file),
      rows.map(({ file }) => file),
    );
    assert.equal(cells[6].deepfake_probability, '0.5');
    assert.equal(cells[12].decision, 'Not read');
    assert.match(cells[12].remark, /is not there/);
  });

  it('are CSV in which no cell is a formula', () => {
    const formula: ScannedFile = { ...rows[12], file: '=1+1.wav' };
    const [cells] = parse(written('csv', [formula]), { columns: true }) as Record<string, string>[];
    assert.equal(cells.file, "'=1+1.wav");
  });

  it('are a table in which no name steers the terminal or breaks the line', () => {
    const table = written('table');
    assert.equal(table.split('\n').length, 1 + 13 + 1 + 1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.doesNotMatch(table, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2028]/);
    assert.ok(table.includes('\\u{1b}[2J'));
    assert.ok(table.includes('13 files in 2.5 s: 4 Deepfake, 4 Genuine, 4 Inconclusive, 1 not read.'));
  });

  it('are SARIF that the schema of 2.1.0 accepts, also without any file', async () => {
    const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
    formats(ajv as unknown as Parameters<typeof formats>[0]);
    const schema = JSON.parse(
      await readFile(join(packageRoot, 'test/fixtures/sarif-2.1.0-rtm.5.json'), 'utf8'),
    );
    const validate = ajv.compile(schema);
    for (const files of [rows, [], rows.slice(12), rows.slice(0, 1)]) {
      const log = JSON.parse(written('sarif', files));
      assert.ok(validate(log), JSON.stringify(validate.errors));
    }
    const broken = JSON.parse(written('sarif'));
    broken.runs[0].results[0].level = 'terrible';
    assert.equal(validate(broken), false);
  });

  it('are SARIF whose locations lead back to the files, with fakes as failures and the unreadable as notifications', () => {
    const log: Log = JSON.parse(written('sarif'));
    const [run] = log.runs;
    const results = run.results ?? [];
    assert.equal(results.length, 8);
    assert.deepEqual(
      new Set(results.map(({ ruleId, kind, level }) => `${ruleId} ${kind} ${level}`)),
      new Set(['deepfake fail warning', 'inconclusive review none']),
    );
    const root = run.originalUriBaseIds?.BASE.uri;
    assert.ok(root?.endsWith('/archive%20of%20sounds/'));
    const found = results.map(({ locations }) => {
      const uri = locations?.[0].physicalLocation?.artifactLocation?.uri;
      assert.ok(uri);
      return fileURLToPath(new URL(uri, root));
    });
    const expected = rows
      .slice(0, 12)
      .filter((_, i) => i % 3 !== 1)
      .map(({ file }) => file);
    assert.deepEqual(found, expected);
    const notifications = run.invocations?.[0].toolExecutionNotifications ?? [];
    assert.equal(notifications.length, 1);
    // Braces and brackets mean something in SARIF's messages.
    assert.ok(notifications[0].message.text?.endsWith('is not there {{0}} \\[a\\](b).'));
    assert.equal(results[0].fingerprints?.['sha256/v1'], 'ab'.repeat(32));
  });

  it('are one HTML file in which nothing of a name is markup', () => {
    const page = written('html');
    assert.ok(!page.includes('<img'));
    assert.ok(!page.includes('<b>gone'));
    assert.ok(!page.includes('Test <model>'));
    assert.equal(page.match(/<script/g)?.length, 3);
    assert.equal(page.match(/<\/script/g)?.length, 3);
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
    assert.match(policy, /^default-src 'none'; script-src 'sha256-[\w+/]+='; style-src 'sha256-[\w+/]+=';/);
    assert.doesNotMatch(policy, /unsafe|http|\*/);
    const data = JSON.parse(/id="rows">([\s\S]*?)<\/script>/.exec(page)?.[1] ?? '');
    assert.equal(data[0][0], HOSTILE[0]);
    assert.equal(data.length, 13);
  });

  it('take their format from the extension, and say which there are', () => {
    assert.equal(formatOf('/x/a.SARIF'), 'sarif');
    assert.equal(formatOf('/x/a.html'), 'html');
    assert.throws(
      () => formatOf('/x/a.pdf'),
      isDeepfakeError(ErrorCode.InvalidArguments, '/x/a.pdf', /\.jsonl.*\.html/),
    );
  });

  it('appear in their place when they are complete, and leave nothing behind when they are given up', async () => {
    const place = subfolder(folder, 'reports');
    const path = join(place, 'new folder', 'scan.csv');
    const report = await fileReport(path, context);
    await report.add(rows[0]);
    assert.deepEqual(
      (await readdir(join(place, 'new folder'))).filter((name) => name === 'scan.csv'),
      [],
    );
    await report.finish(summary);
    assert.equal(readFileSync(path, 'utf8'), written('csv', [rows[0]]));
    const given = await fileReport(join(place, 'new folder', 'second.html'), context);
    await given.add(rows[0]);
    await given.discard();
    assert.deepEqual(await readdir(join(place, 'new folder')), ['scan.csv']);
  });

  it('say which file cannot be written', async () => {
    const inFile = join(folder, 'reports', 'new folder', 'scan.csv', 'below.csv');
    await assert.rejects(fileReport(inFile, context), isDeepfakeError(ErrorCode.WriteFailed, inFile));
  });
});

describe('a report on a stream that takes no more for now', () => {
  it('waits with one listener, however many results are ready', async () => {
    const stream = new PassThrough({ highWaterMark: 1 });
    const report = await streamReport(FORMATS.jsonl(), stream);
    const added = Array.from({ length: 32 }, (_, i) => report.add(resultOf(`${i}.wav`, 'Genuine', 0.1)));
    assert.equal(stream.listenerCount('drain'), 1);
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    await Promise.all(added);
    assert.equal(stream.listenerCount('drain'), 0);
    assert.equal(text.trimEnd().split('\n').length, 32);
  });
});
