import { t } from '@vscode/l10n';
import type { Decision, Verdict } from '../../shared/verdict.ts';
import { headline, summary } from '../../shared/wording.ts';
import type { Theme } from './theme.ts';

/** Size of a saved picture in CSS pixels: its width, and the height of what stands above the plots. */
export const PICTURE_WIDTH = 1000;
export const HEAD_HEIGHT = 150;

const LEFT = 20;

/** The verdict in words, above the plots of a saved picture. */
export function paintHead(
  context: CanvasRenderingContext2D,
  fileName: string,
  verdict: Verdict,
  theme: Theme,
): void {
  const family = theme.font.replace(/^\S+ /, '');
  const write = (text: string, y: number, font: string, colour: string, left = LEFT) => {
    context.font = `${font} ${family}`;
    context.fillStyle = colour;
    context.textBaseline = 'alphabetic';
    context.textAlign = 'left';
    context.fillText(text, left, y, PICTURE_WIDTH - left - LEFT);
  };
  write(fileName, 32, '600 14px', theme.foreground);
  context.fillStyle = decisionColour(verdict.decision, theme);
  context.fillRect(LEFT, 46, 4, 62);
  write(headline(verdict.decision), 72, '600 24px', theme.foreground, LEFT + 16);
  write(summary(verdict), 100, '13px', theme.foreground, LEFT + 16);
  const { name, sha256 } = verdict.model;
  write(t('Model: {0}', `${name} (${sha256.slice(0, 12)})`), 132, '12px', theme.quiet);
  paintLegend(context, theme, family);
}

function decisionColour(decision: Decision, theme: Theme): string {
  if (decision === 'Inconclusive') return theme.quiet;
  return rgb(decision === 'Deepfake' ? theme.deepfake : theme.genuine);
}

function paintLegend(context: CanvasRenderingContext2D, theme: Theme, family: string): void {
  context.font = `12px ${family}`;
  const entries = [
    { text: t('speaks for genuine'), colour: theme.genuine },
    { text: t('speaks for synthetic'), colour: theme.deepfake },
  ];
  let right = PICTURE_WIDTH - LEFT;
  for (const { text, colour } of entries.toReversed()) {
    right -= context.measureText(text).width;
    context.fillStyle = theme.quiet;
    context.fillText(text, right, 132);
    right -= 16;
    context.fillStyle = rgb(colour);
    context.fillRect(right, 122, 11, 11);
    right -= 16;
  }
}

const rgb = ([r, g, b]: readonly number[]): string => `rgb(${r} ${g} ${b})`;
