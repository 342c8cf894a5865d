import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressText, TimeLeft } from '../../../extension/scan/scanProgress.ts';

test('the time left is told once the rate says something', () => {
  const timeLeft = new TimeLeft();
  assert.equal(timeLeft.after(0, 1, 1000), undefined);
  assert.equal(timeLeft.after(1, 11, 1000), undefined);
  assert.equal(timeLeft.after(5, 51, 1051), 100);
});

test('the rate of late counts, not that of a beginning that was known already', () => {
  const timeLeft = new TimeLeft();
  timeLeft.after(0, 0, 2000);
  timeLeft.after(1, 1000, 2000);
  for (let second = 2; second <= 60; second++) timeLeft.after(second, 1000 + 2 * second, 2000);
  assert.equal(timeLeft.after(61, 1122, 2000), 439);
});

test('progress is told in files and time left', () => {
  assert.equal(progressText({ done: 0, found: 0, allFound: false }), 'looking for audio files');
  assert.equal(progressText({ done: 5, found: 1200, allFound: false, secondsLeft: 9 }), '5 of 1,200+ files');
  assert.equal(progressText({ done: 1100, found: 1200, allFound: true }), '1,100 of 1,200 files');
  assert.equal(
    progressText({ done: 600, found: 1200, allFound: true, secondsLeft: 124.2 }),
    '600 of 1,200 files, 2:05 min left',
  );
  const onMany = { done: 600, found: 1200, allFound: true };
  assert.equal(progressText({ ...onMany, workers: 0 }), '600 of 1,200 files, waiting for a worker');
  assert.equal(progressText({ ...onMany, workers: 1 }), '600 of 1,200 files, 1 worker');
  assert.equal(progressText({ ...onMany, workers: 12 }), '600 of 1,200 files, 12 workers');
});
