/** The warnings of the moment shown, as sentences with advice. Empty if there are none; the headline reads the verdict out. */
import { make, setText } from './dom.js';
import { unbroken } from './format.js';
import type { Moment } from './moment.js';

interface Shown {
  readonly element: HTMLElement;
  readonly what: HTMLElement;
  readonly advice: HTMLElement;
}

export class Warnings {
  readonly #parent: HTMLElement;
  readonly #shown = new Map<string, Shown>();

  constructor(parent: HTMLElement) {
    this.#parent = parent;
  }

  show({ frame: { warnings, verdict } }: Moment): void {
    const ids = new Set<string>(warnings.map(({ id }) => id));
    for (const [id, { element }] of this.#shown) {
      if (ids.has(id)) continue;
      element.remove();
      this.#shown.delete(id);
    }
    warnings.forEach(({ id, what, advice }, index) => {
      const shown = this.#shown.get(id) ?? this.#add(id);
      // Those on which the verdict rests have its colour.
      shown.element.dataset.level = verdict.reasons.includes(id) ? verdict.level : 'degraded';
      const there = this.#parent.children[index];
      if (there !== shown.element) this.#parent.insertBefore(shown.element, there ?? null);
      setText(shown.what, unbroken(what));
      if (shown.advice.textContent !== advice) shown.advice.replaceChildren(...withOptions(advice));
    });
  }

  #add(id: string): Shown {
    const what = make('strong');
    const advice = make('span');
    const element = make('p', 'warning', what, ' ', advice);
    const shown = { element, what, advice };
    this.#shown.set(id, shown);
    return shown;
  }
}

/** A text with its command-line options marked as code, so that no line breaks after their dashes. */
function withOptions(text: string): (Node | string)[] {
  return text.split(/(--[a-z-]+)/).map((part, index) => (index % 2 === 0 ? part : make('code', '', part)));
}
