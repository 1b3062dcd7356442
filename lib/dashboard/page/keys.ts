/** The page's keys, as its help lists them. A key that the focused element uses itself is left to it. */
import { TypedNumber } from './typed-number.js';

export interface KeyActions {
  pause(): void;
  step(frames: number): void;
  skip(ms: number): void;
  oldest(): void;
  live(): void;
  zoom(closer: boolean): void;
  /** Opens a thread, if there is one of that number. */
  select(thread: number): boolean;
  find(): void;
  fold(): void;
  close(): void;
  trace(): void;
  snapshot(): void;
  help(): void;
}

const OWN_KEYS: Readonly<Record<string, readonly string[]>> = {
  BUTTON: [' ', 'Enter'],
  A: ['Enter'],
  SELECT: [' ', 'Enter', 'ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End'],
  INPUT: [],
};

export function listenForKeys(actions: KeyActions): void {
  const typed = new TypedNumber((thread) => actions.select(thread));
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const { target, key } = event;
    const element = target instanceof HTMLElement ? target : document.body;
    if (element.closest('dialog') !== null || OWN_KEYS[element.tagName]?.includes(key)) return;
    // In the search every key is text, and Escape leaves it.
    if (element instanceof HTMLInputElement && element.type === 'search') return;
    // The arrows scroll a table that is wider than its container.
    if (
      element.scrollWidth > element.clientWidth &&
      element.classList.contains('scroller') &&
      key.startsWith('Arrow')
    )
      return;
    if (typed.type(key, event.timeStamp) || act(key, event.shiftKey, actions)) event.preventDefault();
  });
}

function act(key: string, shift: boolean, actions: KeyActions): boolean {
  switch (key) {
    case ' ':
      actions.pause();
      return true;
    case 'ArrowLeft':
    case 'ArrowRight': {
      const way = key === 'ArrowLeft' ? -1 : 1;
      if (shift) actions.skip(way * 1000);
      else actions.step(way);
      return true;
    }
    case 'Home':
      actions.oldest();
      return true;
    case 'End':
      actions.live();
      return true;
    case '+':
    case '=':
      actions.zoom(true);
      return true;
    case '-':
      actions.zoom(false);
      return true;
    case 'Escape':
      actions.close();
      return true;
    case '/':
      actions.find();
      return true;
    case 'f':
      actions.fold();
      return true;
    case 't':
      actions.trace();
      return true;
    case 's':
      actions.snapshot();
      return true;
    case '?':
      actions.help();
      return true;
    default:
      return false;
  }
}
