/** The connections by kind, and their traffic. */
import { make, setText } from './dom.js';
import { bytes, count, duration, rate } from './format.js';
import type { Moment } from './history.js';

const FACTS: readonly (readonly [name: string, read: (moment: Moment) => string])[] = [
  ['Active', ({ frame }) => count(frame.active)],
  ['Idle', ({ frame }) => count(frame.idle)],
  ['New', ({ frame }) => rate(frame.point.accepted)],
  ['Dropped', ({ frame }) => rate(frame.point.dropped)],
  ['Bytes in', ({ frame }) => `${bytes(frame.point.bytesIn)}/s`],
  ['Bytes out', ({ frame }) => `${bytes(frame.point.bytesOut)}/s`],
  ['Requests', ({ frame }) => rate(frame.point.requests)],
  ['Errors', ({ frame }) => rate(frame.point.errors)],
  ['Response p50', ({ frame }) => duration(frame.point.responseMs?.p50)],
  ['Response p90', ({ frame }) => duration(frame.point.responseMs?.p90)],
  ['Response p99', ({ frame }) => duration(frame.point.responseMs?.p99)],
  ['Slowest', ({ frame }) => duration(frame.point.responseMs?.max)],
];

export class Traffic {
  readonly #values = FACTS.map(([, read]) => ({ read, element: make('dd', '', '–') }));

  constructor(list: HTMLElement) {
    FACTS.forEach(([name], index) => {
      list.append(make('div', '', make('dt', '', name), this.#values[index]!.element));
    });
  }

  show(moment: Moment): void {
    for (const { read, element } of this.#values) setText(element, read(moment));
  }
}
