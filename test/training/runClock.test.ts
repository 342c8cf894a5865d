import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { progressText } from '../../daemon/training/progressText.ts';
import { RunClock } from '../../daemon/training/runClock.ts';

/** A clock, and what moves its time. */
function clockAt(start = 100) {
  let now = start;
  const clock = new RunClock(() => now);
  return {
    clock,
    /** Steps of 32 examples that take so many seconds each. */
    steps: (count: number, seconds: number) => {
      for (let i = 0; i < count; i++) {
        now += seconds;
        clock.stepDone(32);
      }
    },
    wait: (seconds: number) => {
      now += seconds;
    },
  };
}

const near = (actual: number | undefined, expected: number) =>
  assert.ok(Math.abs((actual as number) - expected) < 1e-9 * expected, `${actual}, not ${expected}`);

describe('the time left of a training run', () => {
  it('follows from the speed of the steps and the length of a validation', () => {
    const { clock, steps } = clockAt();
    clock.epochBegins();
    // The first step sets the network up.
    steps(1, 5);
    assert.equal(clock.examplesPerSecond, undefined);
    steps(20, 0.2);
    near(clock.examplesPerSecond, 160);
    near(clock.secondsFor(1600, 3), 10);
    clock.validationTook(7);
    near(clock.secondsFor(1600, 3), 31);
  });

  it('is not told from the first two seconds of steps', () => {
    const { clock, steps } = clockAt();
    steps(10, 0.2);
    assert.equal(clock.secondsFor(100, 0), undefined);
    steps(2, 0.2);
    assert.notEqual(clock.secondsFor(100, 0), undefined);
  });

  it('leaves out what is not a step', () => {
    const { clock, steps, wait } = clockAt();
    steps(11, 0.2);
    wait(60);
    clock.epochBegins();
    steps(10, 0.2);
    near(clock.examplesPerSecond, 160);
  });

  it('follows a machine that slows down, without jumping', () => {
    const { clock, steps } = clockAt();
    steps(500, 0.1);
    const fast = clock.examplesPerSecond as number;
    near(fast, 320);
    steps(1, 0.4);
    assert.ok((clock.examplesPerSecond as number) > 0.95 * fast);
    steps(500, 0.4);
    assert.ok(Math.abs((clock.examplesPerSecond as number) - 80) < 1);
  });
});

describe('the line of progress', () => {
  it('tells epoch, step, speed and time left, as far as they are known', () => {
    const step = { type: 'step', epoch: 3, epochs: 72, step: 130, steps: 5400 } as const;
    assert.equal(progressText(step), 'Epoch 3 of 72, step 130 of 5400');
    assert.equal(
      progressText({ ...step, examplesPerSecond: 218.7, secondsLeft: 844.2 }),
      'Epoch 3 of 72, step 130 of 5400, 219 examples/s, 14:05 min left',
    );
  });

  it('counts clips while they are read, validated and tested', () => {
    assert.equal(progressText({ type: 'preparing', done: 3, total: 24 }), 'Reading 3 of 24 clips');
    assert.equal(
      progressText({ type: 'validating', epoch: 2, epochs: 30, done: 64, total: 100 }),
      'Epoch 2 of 30, validating 64 of 100 clips',
    );
    assert.equal(progressText({ type: 'testing', done: 3, total: 24 }), 'Testing 3 of 24 clips');
  });
});
