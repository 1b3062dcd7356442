/** The headline: the verdict on the server's health, who leads or waits for events, and the figures that matter first. */
import type { Frame, Verdict } from '../protocol.js';
import { byId, setAttribute, setParts, setText } from './dom.js';
import { clock, count, durationParts, type Parts, percentParts, rateParts, unbroken } from './format.js';
import { capitalized, Model } from './model.js';
import type { Moment } from './moment.js';

/** A sign for each level, because not everyone can distinguish them by colour. */
const SIGNS: Readonly<Record<Verdict['level'], string>> = { healthy: '✓', degraded: '!', outage: '✕' };
/** A text with growing numbers is read out only this often; another level at once. */
const BETWEEN_SAID_MS = 15_000;

export class Headline {
  readonly #verdict = byId('verdict');
  readonly #sign = byId('verdict-sign');
  readonly #level = byId('verdict-level');
  readonly #why = byId('verdict-why');
  readonly #for = byId('verdict-for');
  readonly #said = byId('verdict-said');
  readonly #leadWho = byId('lead-who');
  readonly #leadFor = byId('lead-for');
  #model = new Model();
  #saidLevel = '';
  #saidAt = Number.NEGATIVE_INFINITY;

  /** Shows the threads of another model. */
  introduce(model: Model): void {
    this.#model = model;
    setText(byId('name-free'), model.roles[1] === null ? 'Free threads' : `Free ${model.roles[1]}s`);
    const last = model.promotes ? 'Promotions' : capitalized(model.strategy.queue ?? 'Queue wait p99');
    setText(byId('name-promotions'), last);
  }

  show({ frame }: Moment): void {
    this.#showVerdict(frame);
    if (this.#model.promotes) this.#showLeader(frame);
    else this.#showRoles(frame);
    const { free, handlers, waiting, errorRate, point, verdict } = frame;
    figure('free', [count(free), `of ${handlers}`]);
    figure('waiting', [count(waiting), '']);
    figure('errors', percentParts(errorRate));
    figure('response99', durationParts(point.responseMs?.p99));
    figure('requests', rateParts(point.requests));
    figure('promotions', this.#lastFigure(frame));
    const unwell = verdict.level !== 'healthy';
    byId('figure-free').classList.toggle('alarm', unwell && free === 0);
    byId('figure-waiting').classList.toggle('alarm', unwell && waiting > 0);
    byId('figure-errors').classList.toggle('alarm', unwell && (errorRate ?? 0) > 0);
  }

  /** Marks the verdict as the last one known, while nothing comes from the server. */
  set stale(stale: boolean) {
    byId('verdict-stale').hidden = !stale || this.#verdict.dataset.level === 'unknown';
    this.#verdict.classList.toggle('is-stale', stale);
  }

  #showVerdict({ verdict, at }: Frame): void {
    const [level, why] = split(unbroken(verdict.text));
    setAttribute(this.#verdict, 'data-level', verdict.level);
    setText(this.#sign, SIGNS[verdict.level]);
    setText(this.#level, level);
    setText(this.#why, why);
    setText(this.#for, `since ${clock(verdict.since)}`);
    if (verdict.level === this.#saidLevel && Math.abs(at - this.#saidAt) < BETWEEN_SAID_MS) return;
    this.#saidLevel = verdict.level;
    this.#saidAt = at;
    setText(this.#said, verdict.text);
  }

  #showLeader({ leader, threads, set }: Frame): void {
    const processing = threads.filter(({ state }) => state === 'processing').length;
    const led = leader.thread >= 0;
    const leaders = threads.filter(({ state }) => state === 'leader').length;
    if (this.#model.groups > 1) setText(this.#leadWho, `${leaders} of ${this.#model.groups} groups led`);
    else setText(this.#leadWho, led ? `Thread ${leader.thread} leads` : 'Nobody leads');
    const going = set === 'serving' ? '' : `, ${set}`;
    setText(this.#leadFor, `${processing} of ${threads.length} processing${going}`);
  }

  /** What the threads do that wait for events, and those that process. */
  #showRoles({ threads, set }: Frame): void {
    const [first, others] = this.#model.roles;
    const waiting = threads.filter(({ role }) => role === first);
    const [only] = waiting;
    setText(
      this.#leadWho,
      only === undefined || waiting.length > 1
        ? `${waiting.filter(({ state }) => state === 'leader').length} of ${waiting.length} ${first}s waiting`
        : `The ${first} is ${this.#model.word(only)}`,
    );
    const rest = threads.filter(({ role }) => role === others);
    const processing = rest.filter(({ state }) => state === 'processing').length;
    const facts = [
      ...(others === null ? [] : [`${processing} of ${rest.length} ${others}s processing`]),
      ...(set === 'serving' ? [] : [set]),
    ];
    setText(this.#leadFor, facts.join(', '));
  }

  /** How leadership moves; in other models the queue, or the wait in the ready list. */
  #lastFigure({ point, queue }: Frame): Parts {
    if (this.#model.promotes) return rateParts(point.promotions);
    return queue === null
      ? durationParts(point.queueMs?.p99)
      : [count(queue.current), `of ${count(queue.limit)}`];
  }
}

/** The level's word with its colon, and the rest of the verdict's text. */
function split(text: string): [level: string, why: string] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text, ''] : [text.slice(0, colon + 1), text.slice(colon + 1).trim()];
}

function figure(name: string, parts: Parts): void {
  setParts(byId(`fig-${name}`), parts);
}
