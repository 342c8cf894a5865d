import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingOf, findingText, isGone } from '../../../extension/scan/finding.ts';
import { ErrorCode } from '../../../shared/errors.ts';
import type { ScannedFile } from '../../../shared/protocol.ts';
import type { Decision } from '../../../shared/verdict.ts';

function scanned(decision: Decision, probabilities: number[], reasons: string[] = []): ScannedFile {
  const windows = probabilities.map((deepfakeProbability, index) => ({
    start: 2 * index,
    end: 2 * index + 4,
    deepfakeProbability,
    logit: 0,
  }));
  const deepfakeProbability = probabilities.reduce((sum, p) => sum + p, 0) / probabilities.length;
  const audio = { duration: 2 * probabilities.length + 2 };
  const verdict = { decision, deepfakeProbability, windows, reasons, audio };
  return { file: '/a/clip.wav', cached: false, verdict } as unknown as ScannedFile;
}

test('a finding names the probability and where in the file it is highest', () => {
  const finding = findingOf(scanned('Deepfake', [0.5, 0.98, 0.86]), 7);
  assert.equal(
    findingText(finding),
    'Probably synthetic speech: probability 78 %. Most synthetic from 2 s to 6 s (98 %).',
  );
  assert.equal(finding.time, 7);
});

test('a file of one window has no place to name', () => {
  const finding = findingOf(scanned('Deepfake', [0.98]), 0);
  assert.equal(findingText(finding), 'Probably synthetic speech: probability 98 %.');
});

test('a finding without a clear answer says why', () => {
  const finding = findingOf(scanned('Inconclusive', [0.5], ['Too close to the threshold.']), 0);
  assert.match(findingText(finding), /^No clear answer: .* 50 %\. Too close to the threshold\.$/);
});

test('a file that could not be read is a finding with the reason', () => {
  const error = { code: ErrorCode.NotAudio, message: '/a/clip.wav is not audio.' };
  const result: ScannedFile = { file: '/a/clip.wav', cached: true, error };
  const finding = findingOf(result, 0);
  assert.equal(finding.outcome, 'Not read');
  assert.equal(findingText(finding), error.message);
  assert.ok(!isGone(result));
  assert.ok(isGone({ ...result, error: { ...error, code: ErrorCode.FileNotFound } }));
});
