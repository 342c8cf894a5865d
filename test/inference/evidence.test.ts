import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toByteMatrix } from '../../daemon/inference/byteMatrix.ts';
import {
  type EvidenceGeometry,
  evidenceBetween,
  evidenceColumns,
  sumEvidence,
  type WindowEvidence,
} from '../../daemon/inference/evidence.ts';
import type { ByteMatrix } from '../../shared/verdict.ts';
import { GoldenRandom } from '../golden/goldenRandom.ts';

/** Windows of two bands and eight columns of half a second. */
const geometry = (duration: number, padding: 'zero' | 'tile' = 'tile'): EvidenceGeometry => ({
  rows: 2,
  columns: 8,
  secondsPerColumn: 0.5,
  duration,
  padding,
  fmin: 0,
  fmax: 8000,
});
const ones = (): Float32Array => new Float32Array(16).fill(1);
const total = (map: Float32Array): number => map.reduce((sum, value) => sum + value, 0);

const decode = ({ data, minimum, maximum }: ByteMatrix): number[] =>
  Array.from(Buffer.from(data, 'base64'), (byte) => minimum + (byte / 255) * (maximum - minimum));

describe('evidence over a whole file', () => {
  it('is the map itself where there is one window', () => {
    const map = new GoldenRandom(1).array(16);
    assert.deepEqual(sumEvidence([{ start: 0, map }], geometry(4)), { map, outside: 0 });
  });

  it('keeps the sum: the mean of the windows’ sums, however they overlap', () => {
    const random = new GoldenRandom(2);
    for (const [duration, padding] of [
      [1.3, 'tile'],
      [1.3, 'zero'],
      [4, 'zero'],
      [6, 'zero'],
      [9.7, 'tile'],
      [61, 'zero'],
    ] as const) {
      const starts = duration <= 4 ? [0] : [0, 1, 2, 2.35, duration - 4];
      const windows: WindowEvidence[] = starts.map((start) => ({ start, map: random.array(16) }));
      const mean = windows.reduce((sum, { map }) => sum + total(map), 0) / windows.length;
      const { map, outside } = sumEvidence(windows, geometry(duration, padding));
      const sum = total(map) + outside;
      assert.ok(Math.abs(sum - mean) < 1e-5, `${sum}, not ${mean}, for ${duration} s`);
    }
  });

  it('lies where the windows lie, and adds up where they overlap', () => {
    const { map } = sumEvidence(
      [
        { start: 0, map: ones() },
        { start: 2, map: ones() },
      ],
      geometry(6),
    );
    const row = [...new Array(4).fill(0.5), ...new Array(4).fill(1), ...new Array(4).fill(0.5)];
    assert.deepEqual([...map], [...row, ...row]);
  });

  it('folds the windows of a repeated short clip back onto it', () => {
    const { map, outside } = sumEvidence([{ start: 0, map: ones() }], geometry(1));
    assert.deepEqual([...map], [4, 4, 4, 4]);
    assert.equal(outside, 0);
  });

  it('leaves what silence at the end of a short clip contributes outside of it', () => {
    const { map, outside } = sumEvidence([{ start: 0, map: ones() }], geometry(1, 'zero'));
    assert.deepEqual([...map], [1, 1, 1, 1]);
    assert.equal(outside, 12);
  });

  it('has a column for the rest of a file', () => {
    assert.equal(evidenceColumns(geometry(4.1)), 9);
    assert.equal(evidenceColumns(geometry(0.01)), 1);
  });
});

describe('an evidence picture', () => {
  const map = Float32Array.from({ length: 24 }, (_, i) => (i < 12 ? i : -i));
  const decodesTo = (image: ByteMatrix, expected: number[]) => {
    const values = decode(image);
    assert.equal(values.length, expected.length);
    values.forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]) <= image.maximum / 255, `${value}, not ${expected[i]}`);
    });
  };

  it('is cut to the time asked for, and symmetric about zero', () => {
    const image = evidenceBetween({ map, outside: 0.25 }, geometry(6), 1, 2, 100);
    assert.deepEqual([image.rows, image.columns, image.start, image.duration], [2, 3, 1, 1.5]);
    assert.deepEqual([image.minimum, image.maximum], [-23, 23]);
    assert.deepEqual([image.fmin, image.fmax, image.outside], [0, 8000, 0.25]);
    decodesTo(image, [2, 3, 4, -14, -15, -16]);
  });

  it('adds up the columns that share one', () => {
    const image = evidenceBetween({ map, outside: 0 }, geometry(6), 0, 6, 5);
    assert.deepEqual([image.columns, image.duration], [4, 6]);
    decodesTo(image, [3, 12, 21, 30, -39, -48, -57, -66]);
  });

  it('of nothing at all is flat', () => {
    const image = evidenceBetween({ map: new Float32Array(16), outside: 0 }, geometry(4), 0, 60, 100);
    assert.ok(decode(image).every((value) => value === 0));
  });
});

describe('a matrix of bytes', () => {
  it('is exact at both ends and within half a step between', () => {
    const values = new GoldenRandom(3).array(1000, 40, -40);
    values[0] = -80;
    values[1] = 0;
    const matrix = toByteMatrix(values, 10, 100, -80, 0);
    const decoded = decode(matrix);
    assert.deepEqual(decoded.slice(0, 2), [-80, 0]);
    values.forEach((value, i) => {
      assert.ok(Math.abs(decoded[i] - value) <= 40 / 255 + 1e-6);
    });
  });
});
