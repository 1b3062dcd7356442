/** The search for threads, and the rows that stand for the folded ones: one below the lanes, one below the table. */
import { byId, make, setAttribute, setText } from './dom.js';
import { type Choice, FEW_THREADS, inRanges, type ThreadChoice } from './thread-choice.js';

export class ChoiceView {
  readonly #choice: ThreadChoice;
  readonly #onChange: () => void;
  readonly #find = byId<HTMLInputElement>('find');
  readonly #noneFound = byId('none-found');
  readonly #folds: readonly HTMLButtonElement[] = [
    ...document.querySelectorAll<HTMLButtonElement>('[data-fold]'),
  ];

  constructor(choice: ThreadChoice, onChange: () => void) {
    this.#choice = choice;
    this.#onChange = onChange;
    this.#find.addEventListener('input', () => {
      choice.search(this.#find.value);
      onChange();
    });
    this.#find.addEventListener('keydown', ({ key }) => {
      if (key !== 'Escape') return;
      this.#find.value = '';
      this.#find.blur();
      choice.search('');
      onChange();
    });
    for (const fold of this.#folds) {
      fold.append(make('span', 'arrow'), make('span', 'folded'), make('span', 'soft'));
      fold.firstElementChild!.setAttribute('aria-hidden', 'true');
      fold.addEventListener('click', () => this.toggle());
    }
  }

  show({ shown, idle }: Choice, threads: number): void {
    byId('find-label').hidden = threads <= FEW_THREADS;
    this.#noneFound.hidden = shown.length > 0 || this.#choice.query.trim() === '';
    const folded = this.#choice.folding;
    for (const fold of this.#folds) {
      fold.hidden = idle.length === 0;
      if (fold.hidden) continue;
      const [arrow, what, which] = fold.children;
      setAttribute(fold, 'aria-expanded', String(!folded));
      setText(arrow!, folded ? '▸' : '▾');
      setText(what!, folded ? `${idle.length} idle threads` : `Fold ${idle.length} idle threads`);
      setText(which!, inRanges(idle));
    }
  }

  toggle(): void {
    this.#choice.folding = !this.#choice.folding;
    this.#onChange();
  }

  focus(): void {
    if (!byId('find-label').hidden) this.#find.focus();
  }
}
