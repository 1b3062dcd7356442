/** What is sent: the buttons of the mixes, the rate, whether the servers take turns, and whether anything is sent at all. */
import { byId, make, setAttribute, setText } from '../../dashboard/page/dom.js';
import { percent, unbroken } from '../../dashboard/page/format.js';
import type { Mix } from '../mixes.js';
import { type CompareHello, type FiguresMessage, type LoadState, RATES } from '../protocol.js';
import { warningsOf } from '../rows.js';

export class LoadControls {
  readonly #buttons = new Map<string, HTMLButtonElement>();
  readonly #rate = byId<HTMLSelectElement>('rate');
  readonly #turns = byId<HTMLSelectElement>('turns');
  readonly #run = byId<HTMLButtonElement>('run');
  readonly #warning = byId('warning');
  #cores = 0;

  constructor(set: (change: Partial<LoadState>) => void) {
    for (const rate of RATES) this.#rate.append(new Option(String(rate)));
    this.#rate.addEventListener('change', () => set({ rate: Number(this.#rate.value) }));
    this.#turns.addEventListener('change', () => set({ turns: this.#turns.value === 'true' }));
    this.#run.addEventListener('click', () => {
      set({ running: this.#run.dataset.running !== 'true' });
    });
    byId('mixes').addEventListener('click', ({ target }) => {
      const mix = target instanceof Element ? target.closest('button')?.dataset.mix : undefined;
      if (mix !== undefined) set({ mix });
    });
  }

  introduce({ mixes, cores }: CompareHello): void {
    this.#cores = cores;
    this.#buttons.clear();
    byId('mixes').replaceChildren(...mixes.map((mix) => this.#button(mix)));
    byId('mixes').hidden = mixes.length < 2;
  }

  #button({ name, title }: Mix): HTMLButtonElement {
    const button = make('button', '', title);
    button.type = 'button';
    button.dataset.mix = name;
    this.#buttons.set(name, button);
    return button;
  }

  show(mix: Mix, message: FiguresMessage): void {
    const { load, busy } = message;
    for (const [name, button] of this.#buttons)
      setAttribute(button, 'aria-pressed', String(name === load.mix));
    this.#showRate(load.rate);
    if (document.activeElement !== this.#turns) this.#turns.value = String(load.turns);
    this.#run.dataset.running = String(load.running);
    setText(byId('run-text'), load.running ? 'Stop the load' : 'Send load');
    const paths = mix.kinds.map(({ path, weight }) =>
      mix.kinds.length === 1 ? path : `${path} × ${weight}`,
    );
    setText(byId('about'), `${mix.about} (${paths.join(', ')})`);
    const cores = `${this.#cores} ${this.#cores === 1 ? 'core' : 'cores'}`;
    setText(
      byId('fair'),
      `Every model is sent the same requests, at fixed times. All share this machine: ${cores}, ${percent(busy.all)} busy, ${percent(busy.own)} by this comparison.`,
    );
    this.#warn(load.running ? warningsOf(message).join(' ') : '');
  }

  /** A rate of the command line may be none of those offered. */
  #showRate(rate: number): void {
    if (document.activeElement === this.#rate) return;
    if (![...this.#rate.options].some(({ value }) => value === String(rate))) {
      this.#rate.append(new Option(String(rate)));
    }
    this.#rate.value = String(rate);
  }

  #warn(text: string): void {
    setText(this.#warning, unbroken(text));
    this.#warning.hidden = text === '';
  }
}
