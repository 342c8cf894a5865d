import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inflateSync } from 'node:zlib';
import {
  confusionMatrixSvg,
  renderConfusionMatrix,
  writeConfusionMatrix,
} from '../../daemon/evaluation/confusionMatrix.ts';
import type { ConfusionMatrix } from '../../daemon/evaluation/metrics.ts';

const published: ConfusionMatrix = [
  [5384, 4],
  [1041, 4344],
];

const textsOf = (svg: string) =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, content]) => content);

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const byLeft = Math.abs(left - estimate);
  const byUp = Math.abs(up - estimate);
  const byCorner = Math.abs(corner - estimate);
  return byLeft <= byUp && byLeft <= byCorner ? left : byUp <= byCorner ? up : corner;
}

/** Width, height and a pixel reader of a non-interlaced 8-bit RGBA PNG (PNG specification, sections 9 and 11). */
function decodePng(png: Uint8Array) {
  const buffer = Buffer.from(png);
  assert.equal(buffer.toString('latin1', 0, 8), '\x89PNG\r\n\x1a\n');
  const width = buffer.readUInt32BE(16);
  const height = buffer.readUInt32BE(20);
  assert.deepEqual([...buffer.subarray(24, 29)], [8, 6, 0, 0, 0]);
  const parts: Buffer[] = [];
  for (let offset = 8; offset < buffer.length; offset += 12 + buffer.readUInt32BE(offset)) {
    if (buffer.toString('latin1', offset + 4, offset + 8) === 'IDAT') {
      parts.push(buffer.subarray(offset + 8, offset + 8 + buffer.readUInt32BE(offset)));
    }
  }
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * 4;
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const left = x >= 4 ? pixels[y * stride + x - 4] : 0;
      const up = y > 0 ? pixels[(y - 1) * stride + x] : 0;
      const corner = x >= 4 && y > 0 ? pixels[(y - 1) * stride + x - 4] : 0;
      const predicted = [0, left, up, (left + up) >> 1][filter] ?? paeth(left, up, corner);
      pixels[y * stride + x] = raw[y * (stride + 1) + 1 + x] + predicted;
    }
  }
  const pixel = (x: number, y: number) => [...pixels.subarray(y * stride + x * 4, y * stride + x * 4 + 3)];
  return { width, height, pixel };
}

describe('the confusion matrix picture', () => {
  it('names axes, classes, counts, shares of the true class, accuracy and threshold', () => {
    const texts = textsOf(confusionMatrixSvg(published, 0.5));
    for (const expected of [
      'Accuracy 90.3 %',
      '10\u202f773 clips, Deepfake from probability 0.5 on',
      '5\u202f384',
      '99.93 % of Genuine',
      '4',
      '0.07 % of Genuine',
      '1\u202f041',
      '19.3 % of Deepfake',
      '4\u202f344',
      '80.7 % of Deepfake',
      'Predicted class',
      'True class',
    ]) {
      assert.ok(texts.includes(expected), `${expected} is not among ${texts.join(' | ')}`);
    }
    assert.equal(texts.filter((content) => content === 'Genuine').length, 2);
    assert.equal(texts.filter((content) => content === 'Deepfake').length, 2);
  });

  it('shows an empty class as zeros and a long threshold in four digits', () => {
    const texts = textsOf(
      confusionMatrixSvg(
        [
          [0, 0],
          [1, 2],
        ],
        0.47312345678,
      ),
    );
    assert.ok(texts.includes('0.0 % of Genuine'));
    assert.ok(texts.some((content) => content.endsWith('probability 0.4731 on')));
  });

  it('is a PNG with dark cells where the counts are and writing on them', async () => {
    const { width, height, pixel } = decodePng(await renderConfusionMatrix(published, 0.5));
    assert.deepEqual([width, height], [1180, 1200]);
    assert.deepEqual(pixel(2, 2), [255, 255, 255]);
    // Corners of the four cells, in the order of the matrix: the darker, the larger the share.
    const [tn, fp, fn, tp] = [
      [300, 240],
      [700, 240],
      [300, 640],
      [700, 640],
    ].map(([x, y]) => pixel(x, y)[0]);
    assert.ok(tn < tp && tp < fn && fn < fp, `${[tn, fp, fn, tp]}`);
    // The count 5384 is written in white around the middle of its cell: without a font there would be nothing.
    let white = 0;
    for (let x = 400; x < 560; x++) {
      for (let y = 360; y < 430; y++) {
        white += pixel(x, y)[0] > 240 ? 1 : 0;
      }
    }
    assert.ok(white > 500, `${white} white pixels`);
  });

  it('is written beside the metrics', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'matrix-'));
    try {
      const path = await writeConfusionMatrix(join(folder, 'reports'), published, 0.5);
      assert.equal(path, join(folder, 'reports', 'confusion_matrix.png'));
      assert.equal(decodePng(await readFile(path)).width, 1180);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
