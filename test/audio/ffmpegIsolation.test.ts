import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { loadAudio } from '../../daemon/audio/loadAudio.ts';
import { AnalysisPool } from '../../daemon/features/analysisPool.ts';
import { packageRoot } from '../../daemon/paths.ts';
import { isRunning } from '../../daemon/runningProcess.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { isDeepfakeError, modelConfig, subfolder, temporaryFolder } from '../helpers.ts';
import { ffmpegMissing } from './ffmpegTool.ts';

const ALAC = join(packageRoot, 'test', 'fixtures', 'audio', 'tone-alac.m4a');
const folder = temporaryFolder();
const skip = await ffmpegMissing();
const posix = process.platform === 'win32' && 'file names of POSIX';

describe('a file that ffmpeg decodes', { skip }, () => {
  for (const name of [
    '-i.m4a',
    '--help.m4a',
    'concat:a.m4a|b.m4a',
    'http:||example.org.m4a',
    'two\nlines.m4a',
    `'single' "double" \`back\`.m4a`,
    '$(touch injected) ; touch injected.m4a',
    '%d%03d.m4a',
    'ünïcödé — 声.m4a',
  ]) {
    it(`may be called ${JSON.stringify(name)}`, { skip: posix }, async () => {
      const path = join(folder, name);
      await copyFile(ALAC, path);
      const { samples, facts } = await loadAudio(path);
      assert.equal(facts.decoder, 'ffmpeg');
      assert.equal(samples.length, 16_000);
    });
  }

  it('may have a path of 4,000 characters', { skip: posix }, async () => {
    let deep = folder;
    while (deep.length < 3780) deep = join(deep, 'a'.repeat(199));
    mkdirSync(deep, { recursive: true });
    const path = join(deep, `${'b'.repeat(4000 - deep.length - 5)}.m4a`);
    assert.equal(path.length, 4000);
    await copyFile(ALAC, path);
    assert.equal((await loadAudio(path)).samples.length, 16_000);
  });
});

describe('a path', { skip: posix }, () => {
  it('that is longer than the system allows is refused with a sentence', async () => {
    const path = `/${'very-long-name/'.repeat(400)}clip.wav`;
    await assert.rejects(loadAudio(path), isDeepfakeError(ErrorCode.FileUnreadable, path, /longer path/));
  });

  it('that is not UTF-8 is refused with a sentence', async (t) => {
    const name = Buffer.concat([
      Buffer.from(`${folder}/`),
      Buffer.from([0x63, 0xff, 0xfe]),
      Buffer.from('.wav'),
    ]);
    const written = await writeFile(name, await readFile(ALAC)).then(
      () => true,
      () => false,
    );
    if (!written) return t.skip('this file system takes no such names');
    const path = name.toString();
    await assert.rejects(loadAudio(path), isDeepfakeError(ErrorCode.FileUnreadable, path, /not UTF-8/));
  });
});

describe('an ffmpeg that hangs', { skip: posix }, () => {
  /** A program in the place of ffmpeg that starts another, tells both numbers and its arguments, and waits. */
  function hangingFfmpeg(name: string) {
    const place = subfolder(folder, name);
    const program = join(place, 'ffmpeg');
    writeFileSync(
      program,
      `#!/bin/sh\nfor argument; do printf '%s\\n' "$argument"; done > '${place}/arguments'\nsleep 600 &\necho "$$ $!" > '${place}/new'\nmv '${place}/new' '${place}/numbers'\nwait\n`,
    );
    chmodSync(program, 0o755);
    const started = new Promise<number[]>((resolve) => {
      const watcher = watch(place, (_, file) => {
        if (file !== 'numbers') return;
        watcher.close();
        resolve(readFileSync(join(place, 'numbers'), 'utf8').trim().split(' ').map(Number));
      });
    });
    return {
      program,
      started,
      argumentsOf: () => readFileSync(join(place, 'arguments'), 'utf8').trimEnd().split('\n'),
    };
  }
  /** Resolves when none of the processes runs any more; a killed one may take a moment. */
  async function allEnd(numbers: number[]): Promise<void> {
    const deadline = performance.now() + 10_000;
    while (numbers.some(isAlive)) {
      assert.ok(performance.now() < deadline, `${numbers.filter(isAlive)} run on`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  /** A killed process without a parent that asks for it may stay in the table as a zombie. */
  function isAlive(pid: number): boolean {
    if (!isRunning(pid)) return false;
    try {
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  }

  let path = '';
  before(async () => {
    path = join(folder, 'alac.m4a');
    await copyFile(ALAC, path);
  });

  it('may read this one file and nothing else, and ends with its group when the request is cancelled', async () => {
    const { program, started, argumentsOf } = hangingFfmpeg('aborted');
    const abort = new AbortController();
    const loading = loadAudio(path, { ffmpegPath: program, signal: abort.signal });
    const numbers = await started;
    assert.ok(numbers.every(isAlive));
    const given = argumentsOf();
    const argumentOf = (option: string) => given[given.indexOf(option) + 1];
    assert.equal(argumentOf('-i'), `file:${path}`);
    assert.equal(argumentOf('-protocol_whitelist'), 'file');
    assert.equal(argumentOf('-format_whitelist'), 'mov');
    assert.ok(given.indexOf('-protocol_whitelist') < given.indexOf('-i'));
    assert.ok(Number(argumentOf('-timelimit')) <= 600);
    abort.abort();
    await assert.rejects(loading, isDeepfakeError(ErrorCode.Cancelled, path));
    await allEnd(numbers);
  });

  it('is given up by the pool, with its group', async () => {
    const { program, started } = hangingFfmpeg('stalled');
    const pool = new AnalysisPool({ workers: 1, ffmpegPath: program, limits: { total: 3 } });
    try {
      const loading = pool.samples(path, modelConfig().features);
      const refused = assert.rejects(
        loading,
        isDeepfakeError(ErrorCode.AudioDamaged, path, /longer than 3 s/),
      );
      const numbers = await started;
      await refused;
      await allEnd(numbers);
    } finally {
      await pool.dispose();
    }
  });
});
