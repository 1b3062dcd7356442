/** The table of routes that have held their thread for long, or that the app has declared. */
import type { Frame, RouteRow } from '../protocol.js';
import { byId, make, setText } from './dom.js';
import { count, duration } from './format.js';
import { Model } from './model.js';
import type { Moment } from './moment.js';

const typicalHold = ({ typicalMs }: RouteRow): string => duration(typicalMs);

/** The columns after the route and its class. A narrow page has room for the typical hold only. */
const NUMBERS: readonly ((route: RouteRow) => string)[] = [
  ({ calls }) => count(calls),
  typicalHold,
  ({ longestMs }) => duration(longestMs),
  ({ handOvers }) => count(handOvers),
];

export class RouteTable {
  readonly #note = byId('routes-note');
  readonly #scroller = byId('routes-scroller');
  readonly #body = byId<HTMLTableSectionElement>('routes-body');
  #model = new Model();

  /** Shows the routes of another model. */
  introduce(model: Model): void {
    this.#model = model;
    byId('handed-over').hidden = !model.promotes;
    this.#body.replaceChildren();
  }

  show({ frame }: Moment): void {
    const { routes } = frame;
    setText(this.#note, noteOf(frame, this.#model));
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
    const row = make(
      'tr',
      '',
      name,
      make('td'),
      ...NUMBERS.map((read) => make('td', read === typicalHold ? 'number' : 'number optional')),
    );
    row.cells[row.cells.length - 1]!.hidden = !this.#model.promotes;
    this.#body.append(row);
    return row;
  }
}

function noteOf({ routes, routesLeft }: Frame, { promotes }: Model): string {
  if (routes.length === 0) return 'None is known to hold its thread for long.';
  const more = routesLeft === 0 ? '' : ` ${count(routesLeft)} more are not shown.`;
  return promotes
    ? `Requests of blocking routes run on threads that are not engaged, as long as there are any.${more}`
    : `Routes that hold their thread for long.${more}`;
}

/** A learned route whose typical hold is short stays in the table for some time. */
function classOf({ blocking, declared }: RouteRow): string {
  if (declared) return blocking ? 'Declared blocking' : 'Declared non-blocking';
  return blocking ? 'Blocking' : 'Mostly quick';
}
