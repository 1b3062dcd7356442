/** What is wrong or will be, as sentences with advice. Nothing at all when all is well. */
import { make, setText } from './dom.js';
import type { Moment } from './history.js';

/** A sentence with a growing number in it would be read out at every frame; it is renewed this seldom. */
const RENEW_MS = 3000;
/** What comes and goes would move the page each time; it stays this much longer. */
const LINGER_MS = 2000;

interface Shown {
  readonly element: HTMLElement;
  readonly what: HTMLElement;
  readonly advice: HTMLElement;
  renewedAt: number;
  seenAt: number;
}

export class Warnings {
  readonly #parent: HTMLElement;
  readonly #shown = new Map<string, Shown>();

  constructor(parent: HTMLElement) {
    this.#parent = parent;
  }

  show({ frame }: Moment): void {
    const ids = new Set<string>(frame.warnings.map(({ id }) => id));
    for (const [id, { element, seenAt }] of this.#shown) {
      if (ids.has(id) || (frame.at >= seenAt && frame.at < seenAt + LINGER_MS)) continue;
      element.remove();
      this.#shown.delete(id);
    }
    for (const { id, what, advice } of frame.warnings) {
      const shown = this.#shown.get(id) ?? this.#add(id);
      shown.seenAt = frame.at;
      if (Math.abs(frame.at - shown.renewedAt) < RENEW_MS) continue;
      shown.renewedAt = frame.at;
      setText(shown.what, what);
      shown.advice.replaceChildren(...withOptions(advice));
    }
  }

  #add(id: string): Shown {
    const what = make('strong');
    const advice = make('span');
    const element = make('p', 'warning', what, ' ', advice);
    const shown = { element, what, advice, renewedAt: 0, seenAt: 0 };
    this.#shown.set(id, shown);
    this.#parent.append(element);
    return shown;
  }
}

/** A text with the options of the command line in it set as such, so that none is broken after its dashes. */
function withOptions(text: string): (Node | string)[] {
  return text.split(/(--[a-z-]+)/).map((part, index) => (index % 2 === 0 ? part : make('code', '', part)));
}
