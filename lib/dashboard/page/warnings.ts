/** The warnings, as sentences with advice. Empty if there are none. */
import { make, setText } from './dom.js';
import type { Moment } from './history.js';

/** A sentence with a growing number is updated only this often, as screen readers read each update out. */
const RENEW_MS = 3000;
/** A warning stays this much longer than its cause, so that one that comes and goes does not move the page each time. */
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

/** A text with its command-line options marked as code, so that no line breaks after their dashes. */
function withOptions(text: string): (Node | string)[] {
  return text.split(/(--[a-z-]+)/).map((part, index) => (index % 2 === 0 ? part : make('code', '', part)));
}
