/** The table of figures: a row for each, a column for each model, a bar for each value, and a mark for the better one. */
import { make, setText } from '../../dashboard/page/dom.js';
import { count, duration, percent, rate, ratio } from '../../dashboard/page/format.js';
import type { Mix } from '../mixes.js';
import type { FiguresMessage, Model } from '../protocol.js';
import { differs, marksOf, type Row, rowsOf, type Unit } from '../rows.js';

const WRITE: Readonly<Record<Unit, (value: number | null) => string>> = {
  ms: duration,
  us: (value) => duration(value === null ? null : value / 1000),
  share: percent,
  rate,
  number: ratio,
  count,
};

interface Cell {
  readonly text: HTMLElement;
  readonly star: HTMLElement;
  readonly fill: HTMLElement;
}

export class FiguresTable {
  readonly #head: HTMLElement;
  readonly #body: HTMLElement;
  readonly #models: readonly Model[];
  #mix: Mix | null = null;
  #rows: { readonly row: Row; readonly line: HTMLElement; readonly cells: readonly Cell[] }[] = [];

  constructor(table: HTMLElement, models: readonly Model[]) {
    this.#head = table.querySelector('thead')!;
    this.#body = table.querySelector('tbody')!;
    this.#models = models;
    const headings = models.map((model) =>
      make('th', '', breakable(model.title), make('span', 'soft', model.name)),
    );
    this.#head.replaceChildren(make('tr', '', make('td'), ...headings));
    for (const heading of headings) heading.scope = 'col';
    table.style.setProperty('--models', String(models.length));
  }

  show(mix: Mix, { figures, ownLate }: FiguresMessage): void {
    if (mix !== this.#mix) this.#begin(mix);
    for (const { row, line, cells } of this.#rows) {
      const values = figures.map((one) => one && row.valueOf(one));
      const marks = marksOf(row, values, ownLate);
      const max = Math.max(...values.map((value) => value ?? 0));
      line.classList.toggle('same', values.length > 1 && !differs(row, values));
      cells.forEach(({ text, star, fill }, index) => {
        const value = values[index] ?? null;
        setText(text, WRITE[row.unit](value));
        star.hidden = !marks[index];
        fill.hidden = value === null || value <= 0;
        fill.style.width = `${((value ?? 0) / max) * 100}%`;
        fill.classList.toggle('better', marks[index] === true);
      });
    }
  }

  #begin(mix: Mix): void {
    this.#mix = mix;
    this.#rows = rowsOf(mix).map((row) => {
      const cells = this.#models.map(newCell);
      const name = make('th', '', row.title);
      name.scope = 'row';
      name.title = row.about;
      const line = make('tr', '', name, ...cells.map(({ text, star, fill }) => cellOf(text, star, fill)));
      line.dataset.row = row.key;
      return { row, line, cells };
    });
    this.#body.replaceChildren(...this.#rows.map(({ line }) => line));
  }
}

/** The title of a model, which may break behind a slash: no column of a narrow screen has room for one word of it. */
const breakable = (title: string): string => title.replaceAll('/', '/\u200b');

function newCell(): Cell {
  const star = make('span', 'star', '★', make('span', 'hidden', ' better'));
  star.hidden = true;
  return { text: make('span', 'value', '–'), star, fill: make('div', 'fill') };
}

const cellOf = (text: HTMLElement, star: HTMLElement, fill: HTMLElement): HTMLElement =>
  make('td', '', make('div', 'line', text, ' ', star), make('div', 'bar', fill));
