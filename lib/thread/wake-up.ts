/**
 * The concrete event handler of the wake-up handle, an eventfd in the handle set. The control plane signals it to get
 * the leader out of the kernel; the control words, which every turn checks, say what to do then.
 */

import type { EventHandler, ThreadContext } from '../connection/event-handler.js';
import { resetEventCounter } from '../sys/descriptor.js';

export class WakeUp implements EventHandler {
  readonly #context: ThreadContext;

  constructor(context: ThreadContext) {
    this.#context = context;
  }

  handleEvent(fd: number): void {
    do {
      resetEventCounter(fd);
    } while (this.#context.table.leave(fd) !== 0);
  }
}
