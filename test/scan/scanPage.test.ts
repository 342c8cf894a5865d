import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { packageRoot } from '../../daemon/paths.ts';
import type { ReportContext } from '../../daemon/scan/formats/format.ts';
import { html } from '../../daemon/scan/formats/html.ts';
import { selectRows } from '../../media/scanReport/selection.ts';
import { ErrorCode } from '../../shared/errors.ts';
import type { ScannedFile, ScanSummary } from '../../shared/protocol.ts';
import { NOT_READ, type Outcome, type PageRow } from '../../shared/scanPage.ts';
import { temporaryFolder } from '../helpers.ts';
import { findHost } from '../host/availability.ts';
import { scannedFile } from '../verdicts.ts';

const folder = temporaryFolder();
const FILES = 100_000;
const HOSTILE = '<img src=x onerror="document.title=1">.wav';
const found = await findHost(packageRoot);
const skip = 'skip' in found ? found.skip : false;

const context: ReportContext = {
  paths: ['/clips'],
  model: { name: 'Test', checkpoint: '/m', sha256: 'ab'.repeat(32) },
  version: '1.0.0',
  started: new Date('2026-01-31'),
  base: '/clips',
};

/** File i has the probability i / FILES; the last one could not be read. */
function* files(): Generator<ScannedFile> {
  for (let i = 0; i < FILES - 1; i++) {
    const probability = i / FILES;
    const file = i === 77 ? `/clips/${HOSTILE}` : `/clips/folder/clip-${i}.wav`;
    yield scannedFile(file, probability, { windows: [], model: context.model });
  }
  yield {
    file: '/clips/broken.wav',
    cached: false,
    error: { code: ErrorCode.AudioDamaged, message: 'It is broken.' },
  };
}

const summary: ScanSummary = {
  files: FILES,
  Genuine: FILES / 2,
  Deepfake: FILES / 2 - 1,
  Inconclusive: 0,
  failed: 1,
  unchanged: 0,
  recognized: 0,
  analyzed: FILES,
  seconds: 60,
};

describe('the HTML report of a hundred thousand files', { skip }, () => {
  let page: Page;
  const problems: string[] = [];
  const requests: string[] = [];
  before(async () => {
    if ('skip' in found) return;
    const writer = html(context);
    const parts = [writer.begin()];
    for (const file of files()) parts.push(writer.row(file));
    parts.push(writer.end(summary));
    const path = join(folder, 'scan.html');
    writeFileSync(path, parts.join(''));
    page = await found.browser.newPage();
    page.on('console', (message) => problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(path).href);
  });
  after(async () => {
    if (!('skip' in found)) await found.browser.close();
  });

  const rows = () => page.locator('.list .row');
  const firstFile = () => rows().first().locator('.column-0').textContent();
  const shown = (text: string) => page.getByRole('status').filter({ hasText: text }).waitFor();

  it('draws only what is visible, the most probable fakes first', async () => {
    await shown('100,000 of 100,000 files shown');
    assert.equal(await firstFile(), `folder/clip-${FILES - 2}.wav`);
    assert.ok((await rows().count()) < 100);
  });

  it('shows the last row after scrolling to the end', async () => {
    await page.locator('.list').evaluate((list) => {
      list.scrollTop = list.scrollHeight;
    });
    await page.getByRole('cell', { name: 'broken.wav' }).waitFor();
    assert.ok((await rows().count()) < 100);
  });

  it('sorts by a column and the other way round', async () => {
    await page.getByRole('button', { name: 'Deepfake' }).click();
    await page.locator('[aria-sort=ascending]').waitFor();
    assert.equal(await firstFile(), 'folder/clip-0.wav');
    await page.getByRole('button', { name: 'File' }).click();
    assert.equal(await firstFile(), HOSTILE);
  });

  it('filters by text and by decision', async () => {
    await page.getByRole('searchbox').fill('CLIP-4242');
    await shown('11 of 100,000 files shown');
    await page.getByRole('searchbox').fill('');
    await page.getByRole('checkbox', { name: /Genuine/ }).uncheck();
    await page.getByRole('checkbox', { name: /Deepfake/ }).uncheck();
    await shown('1 of 100,000 files shown');
    assert.equal(await firstFile(), 'broken.wav');
    await page.getByRole('checkbox', { name: /Genuine/ }).check();
  });

  it('shows a hostile name as text, runs nothing of it and fetches nothing', async () => {
    await page.getByRole('searchbox').fill('onerror');
    await shown('1 of 100,000 files shown');
    assert.equal(await firstFile(), HOSTILE);
    assert.equal(await page.locator('img').count(), 0);
    assert.equal(await page.title(), 'Deepfake scan');
    assert.deepEqual(
      requests.filter((url) => !url.startsWith('file:')),
      [],
    );
    assert.equal(requests.length, 1);
    assert.deepEqual(problems, []);
  });

  it('allows no script and no style but its own', async () => {
    const blocked = await page.evaluate(async () => {
      const violations: string[] = [];
      document.addEventListener('securitypolicyviolation', (event) =>
        violations.push(event.effectiveDirective),
      );
      const script = document.createElement('script');
      script.textContent = 'document.title = "taken over"';
      document.body.append(script);
      const image = document.createElement('img');
      image.src = 'http://127.0.0.1:9/x.png';
      document.body.append(image);
      await new Promise((resolve) => image.addEventListener('error', resolve));
      return violations;
    });
    assert.deepEqual(new Set(blocked), new Set(['script-src-elem', 'img-src']));
    assert.equal(await page.title(), 'Deepfake scan');
  });
});

describe('the selection of rows', () => {
  const row = (path: string, outcome: Outcome, probability: number | null): PageRow => [
    path,
    outcome,
    probability,
    null,
    '',
  ];
  const rows = [
    row('b', 'Genuine', 0.2),
    row('a', NOT_READ, null),
    row('c', 'Deepfake', 0.9),
    row('d', 'Genuine', 0.2),
  ];
  const outcomes = new Set<Outcome>(['Genuine', 'Deepfake', 'Inconclusive', NOT_READ]);
  const select = (descending: boolean) =>
    selectRows(rows, { outcomes, text: '', order: { column: 2, descending } });

  it('puts rows without a value last in both directions and keeps equal ones in their order', () => {
    assert.deepEqual(select(false), [0, 3, 2, 1]);
    assert.deepEqual(select(true), [2, 0, 3, 1]);
  });
});
