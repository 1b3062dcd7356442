/** The table of threads: sortable by its column heads; each row opens the panel of its thread. */
import type { ThreadRow } from '../protocol.js';
import { byId, engagedSign, make, setAttribute, setText } from './dom.js';
import { count, duration, NOTHING, percent, rate } from './format.js';
import { capitalized, Model } from './model.js';
import type { Moment } from './moment.js';
import { COLUMNS, type Column, clicked, type Order, sorted } from './sorting.js';
import { stateNumber } from './states.js';
import { shownRows, sinceOf } from './thread-rows.js';

const HEADS: Readonly<Record<Column, string>> = {
  thread: 'Thread',
  state: 'State',
  since: 'For',
  busy: 'Busy',
  events: 'Events',
  requests: 'Requests',
  connections: 'Open',
  connection: 'Connection',
  route: 'Route',
};

/** Columns of numbers, which are aligned to the right. */
const NUMBERS: ReadonlySet<Column> = new Set(['since', 'events', 'requests', 'connections', 'connection']);

/** From so many rows on they are lower. */
const MANY = 16;

class Row {
  readonly #model: Model;
  readonly element: HTMLTableRowElement;
  readonly button: HTMLButtonElement;
  readonly #badge = make('span', 'badge');
  readonly #word = make('span', 'wide');
  readonly #engaged = engagedSign('engaged');
  readonly #since = make('td', 'number since');
  readonly #fill = make('div', 'fill');
  readonly #busy = make('span', 'share');
  readonly #events = make('td', 'number events');
  readonly #requests = make('td', 'number requests');
  /** Only where connections belong to threads. */
  readonly #connections = make('td', 'number connections');
  readonly #connection = make('td', 'number connection');
  readonly #route = make('td', 'route');

  constructor(id: number, model: Model, onSelect: (thread: number) => void) {
    const [kind, number] = model.nameParts(id);
    this.#model = model;
    this.button = make('button', 'link', make('span', 'wide', `${kind} `), number);
    this.button.type = 'button';
    this.button.setAttribute('aria-expanded', 'false');
    const head = make('th', '', this.button);
    head.scope = 'row';
    this.#badge.setAttribute('aria-hidden', 'true');
    for (const cell of [this.#events, this.#requests]) cell.append(make('span'), make('span', 'per-second'));
    this.element = make(
      'tr',
      '',
      head,
      make('td', 'state', this.#badge, this.#word, ' ', this.#engaged),
      this.#since,
      make('td', 'busy', make('div', 'bar', this.#fill), this.#busy),
      this.#events,
      this.#requests,
      this.#connections,
      this.#connection,
      this.#route,
    );
    this.element.addEventListener('click', () => onSelect(id));
  }

  show(
    row: ThreadRow,
    at: number,
    earlier: ThreadRow | undefined,
    earlierAt: number,
    selected: boolean,
  ): void {
    setAttribute(this.#badge, 'data-state', row.state);
    setText(this.#badge, this.#model.letterOf(row.id, stateNumber(row.state)));
    setText(this.#word, capitalized(this.#model.word(row)));
    this.#engaged.hidden = !row.engaged;
    const since = sinceOf(row);
    setText(this.#since, since > 0 ? duration(at - since) : NOTHING);
    this.#fill.style.width = `${Math.min(1, Math.max(0, row.busy)) * 100}%`;
    setText(this.#busy, percent(row.busy));
    const seconds = (at - earlierAt) / 1000;
    for (const [cell, name] of [
      [this.#events, 'events'],
      [this.#requests, 'requests'],
    ] as const) {
      const total = row.counters[name] ?? 0;
      const before = earlier?.counters[name];
      setText(cell.firstChild!, count(total));
      setText(
        cell.lastChild!,
        before === undefined || seconds <= 0 ? '' : rate(Math.max(0, total - before) / seconds),
      );
    }
    setText(this.#connections, count(row.connections));
    setText(this.#connection, row.connection < 0 ? NOTHING : String(row.connection));
    setText(this.#route, row.route || NOTHING);
    setAttribute(this.#route, 'title', row.route);
    setAttribute(this.button, 'aria-expanded', String(selected));
    this.element.classList.toggle('selected', selected);
    this.element.classList.toggle('leads', row.state === 'leader' && this.#model.promotes);
  }
}

export class ThreadTable {
  readonly #engaged = byId('engaged-count');
  readonly #head: HTMLElement;
  readonly #body: HTMLElement;
  readonly #onSelect: (thread: number) => void;
  readonly #rows = new Map<number, Row>();
  readonly #heads = new Map<Column, HTMLTableCellElement>();
  #model = new Model();
  #order: Order = { column: 'thread', descending: false };

  constructor(
    head: HTMLElement,
    body: HTMLElement,
    onSelect: (thread: number) => void,
    onSorted: () => void,
  ) {
    this.#head = head;
    this.#body = body;
    this.#onSelect = onSelect;
    for (const column of COLUMNS) this.#addHead(column, onSorted);
    this.#markOrder();
  }

  /** Shows the threads of another model. */
  introduce(model: Model): void {
    this.#model = model;
    this.#rows.clear();
    this.#body.replaceChildren();
  }

  /** Shows some threads at a moment; rates are relative to an earlier one, about a second before. */
  show({ frame }: Moment, shown: readonly number[], earlier: Moment | undefined, selected: number): void {
    setText(
      this.#engaged,
      this.#model.promotes ? `${frame.engaged} of ${frame.threads.length} engaged.` : '',
    );
    const owned = frame.threads.some(({ connections }) => connections !== null);
    this.#body.parentElement!.classList.toggle('owned', owned);
    const rows = sorted(shownRows(frame, shown), this.#order);
    const earlierRows = new Map(earlier?.frame.threads.map((row) => [row.id, row]));
    for (const [id, row] of this.#rows) {
      if (rows.some((other) => other.id === id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    this.#body.parentElement!.classList.toggle('many', rows.length > MANY);
    const elements = rows.map((row) => {
      let own = this.#rows.get(row.id);
      if (own === undefined) {
        own = new Row(row.id, this.#model, this.#onSelect);
        this.#rows.set(row.id, own);
      }
      own.show(row, frame.at, earlierRows.get(row.id), earlier?.frame.at ?? 0, row.id === selected);
      return own.element;
    });
    this.#arrange(elements);
  }

  /** Moves the focus to the row of a thread, when its panel closes. */
  focus(thread: number): void {
    this.#rows.get(thread)?.button.focus();
  }

  /** Moves rows only if the order has changed, and restores the focus, which a moved element loses. */
  #arrange(elements: readonly HTMLElement[]): void {
    const focused = document.activeElement;
    let moved = false;
    elements.forEach((element, index) => {
      const there = this.#body.children[index];
      if (there === element) return;
      this.#body.insertBefore(element, there ?? null);
      moved = true;
    });
    if (moved && focused instanceof HTMLElement && this.#body.contains(focused)) focused.focus();
  }

  #addHead(column: Column, onSorted: () => void): void {
    const button = make('button', 'sort', make('span', '', HEADS[column]), make('span', 'arrow'));
    button.type = 'button';
    const cell = make('th', NUMBERS.has(column) ? `number ${column}` : '', button);
    cell.scope = 'col';
    cell.dataset.column = column;
    button.lastElementChild!.setAttribute('aria-hidden', 'true');
    button.addEventListener('click', () => {
      this.#order = clicked(this.#order, column);
      this.#markOrder();
      onSorted();
    });
    this.#heads.set(column, cell);
    this.#head.append(cell);
  }

  #markOrder(): void {
    const { column: by, descending } = this.#order;
    for (const [column, cell] of this.#heads) {
      const own = column === by;
      if (own) cell.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
      else cell.removeAttribute('aria-sort');
      setText(cell.querySelector('.arrow')!, own ? (descending ? '▾' : '▴') : '\u00a0');
    }
  }
}
