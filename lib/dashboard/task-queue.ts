/**
 * A queue for work of the main thread that can wait, such as sending large answers. It is cooperative: tasks run for some
 * milliseconds in each pass of the event loop, so that a health check that arrives meanwhile is answered next.
 */

/** The time slice of one pass, in milliseconds; a task that has begun is finished. */
const SLICE_MS = 5;

export class TaskQueue {
  readonly #tasks: (() => void)[] = [];
  #scheduled = false;

  /** Runs `task` after those added before. It must not throw. */
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
