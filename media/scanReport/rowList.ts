import type { Outcome, PageRow } from '../../shared/scanPage.ts';
import { durationText } from '../../shared/wording.ts';
import { element } from '../elements.ts';
import type { Column } from './selection.ts';

/** Pixels; the style sheet's height of a row. */
const ROW_HEIGHT = 28;
/** Rows drawn above and below what is visible, so that scrolling shows no gaps. */
const SPARE_ROWS = 12;

/** A list of any length that has elements for its visible rows only. */
export class RowList {
  readonly element = document.createElement('div');
  private readonly content = document.createElement('div');
  private indices: number[] = [];
  private drawn: [number, number] = [0, 0];

  constructor(
    private readonly rows: readonly PageRow[],
    private readonly columns: readonly { column: Column }[],
  ) {
    this.element.className = 'list';
    this.element.tabIndex = 0;
    this.element.setAttribute('role', 'rowgroup');
    this.content.className = 'content';
    this.content.setAttribute('role', 'presentation');
    this.element.append(this.content);
    this.element.addEventListener('scroll', () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  /** Shows these rows from the first on. */
  show(indices: number[]): void {
    this.indices = indices;
    this.content.style.height = `${indices.length * ROW_HEIGHT}px`;
    this.element.scrollTop = 0;
    this.drawn = [0, 0];
    this.draw();
  }

  private draw(): void {
    const { scrollTop, clientHeight } = this.element;
    const from = Math.max(0, Math.floor(scrollTop / ROW_HEIGHT) - SPARE_ROWS);
    const to = Math.min(this.indices.length, Math.ceil((scrollTop + clientHeight) / ROW_HEIGHT) + SPARE_ROWS);
    if (to > from && from === this.drawn[0] && to === this.drawn[1]) return;
    this.drawn = [from, to];
    const elements: HTMLElement[] = [];
    for (let position = from; position < to; position++) elements.push(this.row(position));
    this.content.replaceChildren(...elements);
  }

  private row(position: number): HTMLElement {
    const row = this.rows[this.indices[position]];
    const made = element('div', `row ${outcomeClass(row[1])}`);
    made.style.top = `${position * ROW_HEIGHT}px`;
    made.setAttribute('role', 'row');
    made.setAttribute('aria-rowindex', String(position + 2));
    for (const { column } of this.columns) {
      const text = cellText(row, column);
      const cell = element('div', `cell column-${column}`, text);
      cell.setAttribute('role', 'cell');
      if (column === 0 || column === 4) cell.title = text;
      made.append(cell);
    }
    return made;
  }
}

/** The class of an outcome in the style sheet. */
export const outcomeClass = (outcome: Outcome): string => outcome.toLowerCase().replace(' ', '-');

/** Characters that steer the reading direction would let a name pose as another one. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

function cellText(row: PageRow, column: Column): string {
  switch (column) {
    case 2:
      return row[2] === null ? '' : `${(100 * row[2]).toFixed(1)} %`;
    case 3:
      return row[3] === null ? '' : durationText(row[3]);
    default:
      return row[column].replace(INVISIBLE, '\u{fffd}');
  }
}
