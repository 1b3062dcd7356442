/** The gauges: current value, peak and limit of each bounded resource, and of the model's queue how long events wait. */
import type { Gauge } from '../protocol.js';
import { make, setAttribute, setText } from './dom.js';
import { count, duration, percent } from './format.js';
import { capitalized, type Model } from './model.js';
import type { Moment } from './moment.js';

const GAUGES = [
  ['handles', 'Handle set'],
  ['ready', 'Ready list'],
  ['connections', 'Connections'],
  ['pool', 'Memory pool'],
  ['descriptors', 'Descriptors'],
] as const;

/** From this share of the limit on, the bar's colour and text warn. */
const NEARLY_FULL = 0.8;

class Row {
  readonly element: HTMLElement;
  readonly #bar = make('div', 'bar');
  readonly #fill = make('div', 'fill');
  readonly #peak = make('div', 'peak');
  readonly #numbers = make('p', 'numbers');
  readonly #more = make('p', 'numbers more');
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
    this.#bar.append(this.#fill, this.#peak);
    this.#bar.setAttribute('role', 'meter');
    this.#bar.setAttribute('aria-label', name);
    this.element = make('div', 'gauge', make('p', 'name', name), this.#bar, this.#numbers, this.#more);
  }

  /** @param more what is said below the numbers */
  show({ current, peak, limit }: Gauge, more = ''): void {
    const share = limit > 0 ? Math.min(1, current / limit) : 0;
    const full = share >= NEARLY_FULL;
    this.#fill.style.width = `${share * 100}%`;
    this.#peak.style.left = `${limit > 0 ? Math.min(1, peak / limit) * 100 : 0}%`;
    this.element.classList.toggle('full', full);
    setAttribute(this.#bar, 'aria-valuemin', '0');
    setAttribute(this.#bar, 'aria-valuemax', String(limit));
    setAttribute(this.#bar, 'aria-valuenow', String(current));
    const text = `${count(current)} · ${count(peak)} · ${count(limit)}`;
    setText(this.#numbers, full ? `${text} — ${percent(share)} full` : text);
    setText(this.#more, more);
    setAttribute(this.#bar, 'aria-valuetext', `${this.#name}: ${current} now, ${peak} at most, of ${limit}`);
  }
}

export class Gauges {
  readonly #rows = new Map(GAUGES.map(([key, name]) => [key, new Row(name)]));

  #queue: Row | null = null;

  constructor(parent: HTMLElement) {
    for (const row of this.#rows.values()) parent.append(row.element);
  }

  /** Shows the queue of another model. */
  introduce({ strategy: { queue } }: Model): void {
    this.#queue?.element.remove();
    this.#queue = queue === null ? null : new Row(capitalized(queue));
    if (this.#queue !== null) this.#rows.get('ready')!.element.after(this.#queue.element);
  }

  show({ frame }: Moment): void {
    for (const [key] of GAUGES) this.#rows.get(key)!.show(frame.gauges[key]);
    const { queue, point } = frame;
    const wait = point.queueMs;
    if (queue === null) return;
    this.#queue?.show(
      queue,
      wait === null ? '' : `wait p50 ${duration(wait.p50)}, p99 ${duration(wait.p99)}`,
    );
  }
}
