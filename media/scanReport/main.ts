import './style.css';
import { NOT_READ, type Outcome, type PageFacts, type PageRow } from '../../shared/scanPage.ts';
import { durationText } from '../../shared/wording.ts';
import { byId, element } from '../elements.ts';
import { outcomeClass, RowList } from './rowList.ts';
import { type Column, type Order, selectRows } from './selection.ts';

const OUTCOMES: Outcome[] = ['Deepfake', 'Inconclusive', 'Genuine', NOT_READ];
const COLUMNS: { column: Column; title: string }[] = [
  { column: 1, title: 'Decision' },
  { column: 2, title: 'Deepfake' },
  { column: 3, title: 'Length' },
  { column: 0, title: 'File' },
  { column: 4, title: 'Remark' },
];
const FILTER_DELAY_MS = 120;

const data = <T>(id: string): T => JSON.parse(byId(id).textContent);
const rows = data<PageRow[]>('rows');
const facts = data<PageFacts>('facts');

const shown = new Set<Outcome>(OUTCOMES);
let order: Order = { column: 2, descending: true };

const filter = element('input', 'filter');
filter.type = 'search';
filter.placeholder = 'Filter by path or remark';
filter.setAttribute('aria-label', 'Filter by path or remark');
const status = element('p', 'status');
status.setAttribute('role', 'status');
const list = new RowList(rows, COLUMNS);

const buttons = COLUMNS.map(({ column, title }) => {
  const button = element('button', 'sort', title);
  button.type = 'button';
  button.addEventListener('click', () => {
    order = {
      column,
      descending: order.column === column ? !order.descending : column === 2 || column === 3,
    };
    update();
  });
  const cell = element('div', `cell column-${column}`, button);
  cell.setAttribute('role', 'columnheader');
  return { column, cell };
});
const head = element('div', 'row head', ...buttons.map(({ cell }) => cell));
head.setAttribute('role', 'row');
const table = element('div', 'table', head, list.element);
table.setAttribute('role', 'table');
table.setAttribute('aria-label', 'Scanned files');
table.setAttribute('aria-rowcount', String(rows.length + 1));

function chip(outcome: Outcome): HTMLElement {
  const box = element('input', '');
  box.type = 'checkbox';
  box.checked = true;
  box.addEventListener('change', () => {
    if (box.checked) shown.add(outcome);
    else shown.delete(outcome);
    update();
  });
  const count = facts.summary[outcome === NOT_READ ? 'failed' : outcome];
  return element('label', `chip ${outcomeClass(outcome)}`, box, ` ${outcome} ${count.toLocaleString('en')}`);
}

function update(): void {
  const indices = selectRows(rows, { outcomes: shown, text: filter.value, order });
  for (const { column, cell } of buttons) {
    if (column === order.column) cell.ariaSort = order.descending ? 'descending' : 'ascending';
    else cell.ariaSort = 'none';
  }
  list.show(indices);
  status.textContent = `${indices.length.toLocaleString('en')} of ${rows.length.toLocaleString('en')} files shown`;
}

let timer: number | undefined;
filter.addEventListener('input', () => {
  clearTimeout(timer);
  timer = window.setTimeout(update, FILTER_DELAY_MS);
});

const { summary, model, paths, started, version } = facts;
byId('report').append(
  element('h1', '', 'Deepfake scan'),
  element(
    'p',
    'quiet',
    `${paths.join(', ')} · ${new Date(started).toLocaleString()} · ${durationText(summary.seconds)} · ` +
      `model ${model.name} (${model.sha256.slice(0, 12)}) · deepfake-audio ${version}`,
  ),
  element('div', 'tools', filter, ...OUTCOMES.map(chip)),
  status,
  table,
);
update();
