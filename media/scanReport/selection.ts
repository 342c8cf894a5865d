import type { Outcome, PageRow } from '../../shared/scanPage.ts';

/** Index into `PageRow`. */
export type Column = 0 | 1 | 2 | 3 | 4;

export interface Order {
  column: Column;
  descending: boolean;
}

export interface Selection {
  outcomes: ReadonlySet<Outcome>;
  /** Part of a path or remark, whatever the case; empty for all. */
  text: string;
  order: Order;
}

/** Indices of the rows that fit, in order. Rows without a value come last; equal ones keep their order. */
export function selectRows(rows: readonly PageRow[], { outcomes, text, order }: Selection): number[] {
  const wanted = text.trim().toLowerCase();
  const fits = (row: PageRow) =>
    outcomes.has(row[1]) &&
    (wanted === '' || row[0].toLowerCase().includes(wanted) || row[4].toLowerCase().includes(wanted));
  const indices: number[] = [];
  rows.forEach((row, index) => {
    if (fits(row)) indices.push(index);
  });
  const { column, descending } = order;
  const sign = descending ? -1 : 1;
  return indices.sort((a, b) => {
    const [x, y] = [rows[a][column], rows[b][column]];
    if (x === y) return a - b;
    if (x === null) return 1;
    if (y === null) return -1;
    return x < y ? -sign : sign;
  });
}
