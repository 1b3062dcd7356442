/** The headline: which thread leads and for how long, and the most important figures. */
import { byId, setAttribute, setParts, setText } from './dom.js';
import { duration, durationParts, NOTHING, type Parts, rateParts, ratio } from './format.js';
import type { Moment } from './history.js';

export class Headline {
  readonly #badge = byId('lead-badge');
  readonly #who = byId('lead-who');
  readonly #for = byId('lead-for');

  show({ frame }: Moment): void {
    const { leader, point, at, threads } = frame;
    const led = leader.thread >= 0;
    setAttribute(this.#badge, 'data-state', led ? 'leader' : 'none');
    setText(this.#badge, led ? 'L' : NOTHING);
    const processing = threads.filter(({ state }) => state === 'processing').length;
    setText(this.#who, led ? `Thread ${leader.thread} leads` : 'Nobody leads');
    const held = leader.since > 0 ? `for ${duration(at - leader.since)}` : '';
    const all = processing === threads.length;
    const others = all ? `all ${processing} are processing` : `${processing} of ${threads.length} processing`;
    const going = frame.set === 'serving' ? '' : ` · ${frame.set}`;
    setText(this.#for, [held, others].filter(Boolean).join(' · ') + going);
    figure('requests', rateParts(point.requests));
    figure('response50', durationParts(point.responseMs?.p50));
    figure('response99', durationParts(point.responseMs?.p99));
    figure('promotions', rateParts(point.promotions));
    figure('promotion50', durationParts(point.promotionMs?.p50));
    figure('promotion99', durationParts(point.promotionMs?.p99));
    figure('wakeups', [ratio(point.wakeUpsPerRequest), point.wakeUpsPerRequest === null ? '' : '/req']);
  }
}

function figure(name: string, parts: Parts): void {
  setParts(byId(`fig-${name}`), parts);
}
