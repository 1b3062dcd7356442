/**
 * Work of the main thread that can wait, such as sending large answers: done some milliseconds at a time, each in a pass of
 * its own through the event loop, so that a health check that comes meanwhile is next.
 */

/** What one pass spends on it, in milliseconds; a task that takes longer is finished. */
const SLICE_MS = 5;

export class TaskQueue {
  readonly #tasks: (() => void)[] = [];
  #scheduled = false;

  /** Does `task` after those that came before. It must not throw. */
  add(task: () => void): void {
    this.#tasks.push(task);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const end = performance.now() + SLICE_MS;
      while (this.#tasks.length > 0 && performance.now() < end) this.#tasks.shift()!();
      if (this.#tasks.length > 0) this.#schedule();
    });
  }
}
