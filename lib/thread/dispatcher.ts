/**
 * Dispatching: calls the event handler of a handle that the thread is inside, drains the ticks that it left behind, and names
 * the handle in CURRENT_FD meanwhile (owner of that word).
 */
import type { EventHandler } from '../connection/event-handler.js';
import { EVENTS } from '../memory/counters.js';
import { CURRENT_FD, OWN_CODE, threadArea } from '../memory/layout.js';
import type { HandleSet } from '../set/handle-set.js';

export interface DispatcherParts {
  readonly self: number;
  readonly control: SharedArrayBuffer;
  readonly handles: HandleSet;
  readonly counters: Int32Array;
  /** By the numbers of connection/event-handler.ts. */
  readonly eventHandlers: readonly (EventHandler | undefined)[];
  readonly drainTicks: () => void;
  /** Raises an error of user code that nobody caught. */
  readonly raiseUncaughtException: (error: unknown) => void;
}

export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #words: Int32Array;
  readonly #currentFd: number;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    this.#words = new Int32Array(parts.control);
    this.#currentFd = threadArea(parts.self) + CURRENT_FD;
    this.#words[this.#currentFd] = -1;
  }

  /** The thread is about to dispatch a handle: the leader before it vacates leadership, others before they remove the mailbox's entry. */
  entered(fd: number): void {
    this.#words[this.#currentFd] = fd;
  }

  /** Code of the app may run, for no event of a handle. */
  runsOwnCode(runs: boolean): void {
    this.#words[this.#currentFd] = runs ? OWN_CODE : -1;
  }

  /** Processes events of a handle that this thread is inside, or that is bound to it. */
  dispatch(fd: number, events: number): void {
    const { counters, drainTicks } = this.#parts;
    counters[EVENTS]!++;
    this.#words[this.#currentFd] = fd;
    this.#handle(fd, events);
    drainTicks();
    this.#words[this.#currentFd] = -1;
  }

  /** The same from inside an event handler, for a handle that it has entered by itself. */
  dispatchNested(fd: number, events: number): void {
    const { counters, drainTicks } = this.#parts;
    counters[EVENTS]!++;
    const outer = this.#words[this.#currentFd]!;
    this.#words[this.#currentFd] = fd;
    this.#handle(fd, events);
    drainTicks();
    this.#words[this.#currentFd] = outer;
  }

  /** An exception that leaves an event handler costs its connection, and is as uncaught as anywhere in Node. */
  #handle(fd: number, events: number): void {
    const { eventHandlers, handles, raiseUncaughtException } = this.#parts;
    const handler = eventHandlers[handles.table.kind(fd)]!;
    try {
      handler.handleEvent(fd, events);
    } catch (error) {
      handler.abort?.(fd);
      raiseUncaughtException(error);
    }
  }
}
