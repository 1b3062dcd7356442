/** The table of routes that have held their thread for long, or that the app has declared. */
import type { Frame, RouteRow } from '../protocol.js';
import { byId, make, setText } from './dom.js';
import { count, duration } from './format.js';
import type { Moment } from './history.js';

/** The columns after the route and its class. */
const NUMBERS: readonly ((route: RouteRow) => string)[] = [
  ({ calls }) => count(calls),
  ({ typicalMs }) => duration(typicalMs),
  ({ longestMs }) => duration(longestMs),
  ({ handOvers }) => count(handOvers),
];

export class RouteTable {
  readonly #note = byId('routes-note');
  readonly #scroller = byId('routes-scroller');
  readonly #body = byId<HTMLTableSectionElement>('routes-body');

  show({ frame }: Moment): void {
    const { routes } = frame;
    setText(this.#note, noteOf(frame));
    this.#scroller.hidden = routes.length === 0;
    while (this.#body.rows.length > routes.length) this.#body.deleteRow(-1);
    routes.forEach((route, index) => {
      const { cells } = this.#body.rows[index] ?? this.#addRow();
      const texts = [route.name, classOf(route), ...NUMBERS.map((read) => read(route))];
      texts.forEach((text, place) => {
        setText(cells[place]!, text);
      });
    });
  }

  #addRow(): HTMLTableRowElement {
    const name = make('th', 'route');
    name.scope = 'row';
    const row = make('tr', '', name, make('td'), ...NUMBERS.map(() => make('td', 'number')));
    this.#body.append(row);
    return row;
  }
}

function noteOf({ routes, routesLeft }: Frame): string {
  if (routes.length === 0) return 'None is known to hold its thread for long.';
  const more = routesLeft === 0 ? '' : ` ${count(routesLeft)} more are not shown.`;
  return `Requests of blocking routes run on threads that are not engaged, as long as there are any.${more}`;
}

/** A learned route whose typical hold is short stays in the table for some time. */
function classOf({ blocking, declared }: RouteRow): string {
  if (declared) return blocking ? 'Declared blocking' : 'Declared non-blocking';
  return blocking ? 'Blocking' : 'Mostly quick';
}
