import { join } from 'node:path';
import { CLASS_NAMES } from '../../shared/verdict.ts';
import { writeFileAtomically } from '../files.ts';
import { count, percent } from './figureText.ts';
import { type ConfusionMatrix, ratesOf } from './metrics.ts';

const CONFUSION_MATRIX_NAME = 'confusion_matrix.png';

// The drawing in SVG units; PIXELS_PER_UNIT makes it sharp on dense screens.
const WIDTH = 590;
const HEIGHT = 600;
const PIXELS_PER_UNIT = 2;
const CELL = 200;
const LEFT = 140;
const TOP = 110;

/** Lightest and darkest cell: shares 0 and 1 of a row. */
const LIGHT = [0xf3, 0xf7, 0xfc];
const DARK = [0x0b, 0x4a, 0x8f];
const INK = '#1f2328';
const FAINT_INK = '#59636e';
/** From this share on white text has more contrast than dark text. */
const WHITE_TEXT_FROM = 0.68;

/** The confusion matrix as SVG: rows are the true classes, columns the predicted; shares are of the row. */
export function confusionMatrixSvg(matrix: ConfusionMatrix, threshold: number): string {
  const total = matrix.flat().reduce((sum, clips) => sum + clips, 0);
  const right = LEFT + 2 * CELL;
  const bottom = TOP + 2 * CELL;
  const cells = matrix.flatMap((row, r) =>
    row.map((clips, c) => {
      const rowTotal = row[0] + row[1];
      const share = rowTotal > 0 ? clips / rowTotal : 0;
      const ink = share >= WHITE_TEXT_FROM ? '#ffffff' : INK;
      const x = LEFT + c * CELL;
      const y = TOP + r * CELL;
      return [
        `<rect x="${x}" y="${y}" width="${CELL}" height="${CELL}" fill="${shade(share)}"/>`,
        text(x + CELL / 2, y + CELL / 2, 36, ink, count(clips)),
        text(x + CELL / 2, y + CELL / 2 + 34, 16, ink, `${percent(share)} of ${CLASS_NAMES[r]}`),
      ].join('');
    }),
  );
  const columns = CLASS_NAMES.map((name, c) => text(LEFT + (c + 0.5) * CELL, bottom + 28, 18, INK, name));
  const rows = CLASS_NAMES.map((name, r) => rotated(LEFT - 16, TOP + (r + 0.5) * CELL, 18, INK, name));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="DejaVu Sans">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text((LEFT + right) / 2, 48, 26, INK, `Accuracy ${percent(ratesOf(matrix).accuracy)}`),
    text(
      (LEFT + right) / 2,
      80,
      16,
      FAINT_INK,
      `${count(total)} clips, Deepfake from probability ${Number(threshold.toPrecision(4))} on`,
    ),
    ...cells,
    `<path d="M${LEFT} ${TOP}H${right}V${bottom}H${LEFT}ZM${LEFT + CELL} ${TOP}V${bottom}M${LEFT} ${TOP + CELL}H${right}" fill="none" stroke="#ffffff" stroke-width="3"/>`,
    `<rect x="${LEFT}" y="${TOP}" width="${2 * CELL}" height="${2 * CELL}" fill="none" stroke="#8c959f"/>`,
    ...columns,
    ...rows,
    text((LEFT + right) / 2, bottom + 66, 20, INK, 'Predicted class'),
    rotated(LEFT - 62, TOP + CELL, 20, INK, 'True class'),
    '</svg>',
  ].join('\n');
}

/** The confusion matrix as a PNG picture. */
export async function renderConfusionMatrix(matrix: ConfusionMatrix, threshold: number): Promise<Uint8Array> {
  const { svgToPng } = await import('./svgToPng.ts');
  return svgToPng(confusionMatrixSvg(matrix, threshold), WIDTH * PIXELS_PER_UNIT);
}

/** Writes `confusion_matrix.png`, its name after `prefix`, into `folder`, which is created, and returns its path. Throws WriteFailed. */
export async function writeConfusionMatrix(
  folder: string,
  matrix: ConfusionMatrix,
  threshold: number,
  prefix = '',
): Promise<string> {
  const path = join(folder, `${prefix}${CONFUSION_MATRIX_NAME}`);
  await writeFileAtomically(path, await renderConfusionMatrix(matrix, threshold));
  return path;
}

const text = (x: number, y: number, size: number, fill: string, content: string): string =>
  `<text x="${x}" y="${y}" font-size="${size}" fill="${fill}" text-anchor="middle">${content}</text>`;

const rotated = (x: number, y: number, size: number, fill: string, content: string): string =>
  `<g transform="rotate(-90 ${x} ${y})">${text(x, y, size, fill, content)}</g>`;

const shade = (share: number): string =>
  `rgb(${LIGHT.map((light, i) => Math.round(light + (DARK[i] - light) * share)).join(',')})`;
