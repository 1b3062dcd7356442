/** The load on the demo app: three buttons, pressed while their load runs, with its remaining time. */
import { LOADS, type Load, type LoadState } from '../protocol.js';
import { setAttribute, setText } from './dom.js';

const NAMES: Readonly<Record<Load, string>> = { fast: 'Fast', blocking: 'Blocking', cpu: 'CPU' };

export class LoadButtons {
  readonly #group: HTMLElement;
  readonly #buttons = new Map<Load, HTMLButtonElement>();

  constructor(group: HTMLElement, onPress: (kind: Load, on: boolean) => void) {
    this.#group = group;
    for (const kind of LOADS) {
      const button = group.querySelector<HTMLButtonElement>(`[data-load="${kind}"]`)!;
      button.addEventListener('click', () => onPress(kind, button.getAttribute('aria-pressed') !== 'true'));
      this.#buttons.set(kind, button);
    }
  }

  offer(offered: boolean): void {
    this.#group.hidden = !offered;
  }

  /** Shows which loads run at a time of the server; always the present one, even while the page is paused. */
  show(load: LoadState, at: number): void {
    for (const [kind, button] of this.#buttons) {
      const leftMs = load[kind] === 0 ? 0 : Math.max(0, load[kind] - at);
      setAttribute(button, 'aria-pressed', String(leftMs > 0));
      const left = leftMs > 0 ? ` · ${Math.ceil(leftMs / 1000)} s` : '';
      setText(button, NAMES[kind] + left);
    }
  }
}
