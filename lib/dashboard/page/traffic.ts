/** The connections by kind, their traffic, and how leadership changes or, where nobody leads, how long events wait. */
import type { Frame } from '../protocol.js';
import { make, setText } from './dom.js';
import { bytes, count, duration, NOTHING, rate, ratio } from './format.js';
import type { Model } from './model.js';
import type { Moment } from './moment.js';

type Facts = readonly (readonly [name: string, read: (moment: Moment) => string])[];

const FACTS: Facts = [
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
  ['Slowest', ({ frame }) => slowest(frame)],
];

const OF_LEADERS: Facts = [
  ['Promotions', ({ frame }) => rate(frame.point.promotions)],
  ['Promotion p50', ({ frame }) => duration(frame.point.promotionMs?.p50)],
  ['Promotion p99', ({ frame }) => duration(frame.point.promotionMs?.p99)],
];

/** Where nobody leads: how long events wait for a thread. */
const OF_WAITS: Facts = [
  ['Queue wait p50', ({ frame }) => duration(frame.point.queueMs?.p50)],
  ['Queue wait p90', ({ frame }) => duration(frame.point.queueMs?.p90)],
  ['Queue wait p99', ({ frame }) => duration(frame.point.queueMs?.p99)],
];

const WAKE_UPS: Facts = [['Wake-ups', ({ frame }) => wakeUps(frame.point.wakeUpsPerRequest)]];

/** Of the last second and of those that run, whose time is the one so far. */
function slowest({ slowest }: Frame): string {
  return `${slowest?.running ? '≥\u202f' : ''}${duration(slowest?.ms)}`;
}

function wakeUps(perRequest: number | null): string {
  return perRequest === null ? NOTHING : `${ratio(perRequest)}\u202f/req`;
}

export class Traffic {
  readonly #list: HTMLElement;
  #values: readonly { readonly read: (moment: Moment) => string; readonly element: HTMLElement }[] = [];

  constructor(list: HTMLElement) {
    this.#list = list;
  }

  /** Shows what there is in another model. */
  introduce({ promotes }: Model): void {
    const facts = [...FACTS, ...(promotes ? OF_LEADERS : OF_WAITS), ...WAKE_UPS];
    this.#values = facts.map(([, read]) => ({ read, element: make('dd', '', '–') }));
    this.#list.replaceChildren(
      ...facts.map(([name], index) => make('div', '', make('dt', '', name), this.#values[index]!.element)),
    );
  }

  show(moment: Moment): void {
    for (const { read, element } of this.#values) setText(element, read(moment));
  }
}
