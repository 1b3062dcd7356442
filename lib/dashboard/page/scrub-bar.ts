/** The pause button, the bar that selects an earlier moment, and the banner that says that the page is paused. */
import { byId, setAttribute, setText } from './dom.js';
import { ago, clockWithMillis } from './format.js';
import type { History } from './history.js';
import type { Playback } from './playback.js';

export class ScrubBar {
  readonly #history: History;
  readonly #playback: Playback;
  readonly #pause = byId<HTMLButtonElement>('pause');
  readonly #range = byId<HTMLInputElement>('scrub');
  readonly #banner = byId('paused');

  constructor(history: History, playback: Playback, onChange: () => void) {
    this.#history = history;
    this.#playback = playback;
    this.#pause.addEventListener('click', () => {
      if (playback.live) playback.pause();
      else playback.toLive();
      onChange();
    });
    byId('paused-live').addEventListener('click', () => {
      playback.toLive();
      onChange();
      this.#pause.focus();
    });
    this.#range.addEventListener('input', () => {
      playback.scrubTo(Number(this.#range.value));
      onChange();
    });
    // keys.ts scrubs by frames; the range's own keys would jump by a hundredth of the history.
    this.#range.addEventListener('keydown', (event) => {
      if (['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End'].includes(event.key))
        event.preventDefault();
    });
  }

  show(): void {
    const { live, at, behindMs } = this.#playback;
    const when = live ? 'live' : ago(behindMs);
    this.#range.disabled = this.#history.empty;
    this.#range.min = String(this.#history.oldestAt);
    this.#range.max = String(this.#history.newestAt);
    this.#range.value = String(at);
    setAttribute(this.#range, 'aria-valuetext', live ? 'live' : `${clockWithMillis(at)}, ${when}`);
    setText(byId('scrub-text'), when);
    setAttribute(this.#pause, 'aria-pressed', String(!live));
    setText(byId('pause-text'), live ? 'Pause' : 'Live');
    if (this.#banner.hidden !== live) {
      this.#banner.hidden = live;
      document.body.classList.toggle('is-paused', !live);
    }
    if (!live) setText(byId('paused-text'), `You see ${clockWithMillis(at)}, ${when}. Recording goes on.`);
  }
}
