/**
 * The concrete event handler of a listening socket: accepts what waits and registers each connection. No user code
 * runs here, so the handle is never held for long. Owner of the words CONNECTIONS, CONNECTIONS_PEAK and ACCEPT_SUSPENDED.
 *
 * When descriptors run out, the listening handle is suspended, and whoever closes a connection next resumes it: the
 * connections that wait stay in the kernel's queue meanwhile, instead of making the leader spin.
 */
import { ACCEPTED, CLOSED } from '../memory/counters.js';
import {
  ACCEPT_SUSPENDED,
  ACCEPTING,
  CONNECTIONS,
  CONNECTIONS_PEAK,
  SET_DRAINING,
  SET_STATE,
  threadArea,
} from '../memory/layout.js';
import { type HandleSet, WATCH_BOTH, WATCH_INPUT } from '../set/handle-set.js';
import { closeDescriptor } from '../sys/descriptor.js';
import { EAGAIN, ECONNABORTED, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, errnoName } from '../sys/libc.js';
import { acceptConnection } from '../sys/socket.js';
import { deadlineIn } from './deadlines.js';
import { type EventHandler, HTTP_CONNECTION, type ThreadContext } from './event-handler.js';

/** Connections accepted before the handle is armed anew, so that one visit stays short. */
const ACCEPTS_A_VISIT = 64;

/** Values of the word ACCEPTING; a descriptor is added to FIRST_ACCEPTED. */
export const NOTHING_ACCEPTED = 0;
const PLACE_TAKEN = 1;
export const FIRST_ACCEPTED = 2;

export class Acceptor implements EventHandler {
  readonly #context: ThreadContext;
  readonly #kind: number;
  readonly #watch: number;
  /** The word that tells the reviver what is in hand. */
  readonly #accepting: number;

  /** @param kind which event handler serves the accepted connections */
  constructor(context: ThreadContext, kind: number) {
    this.#context = context;
    this.#kind = kind;
    // A raw TCP app may speak first: its connections report that they are writable at once.
    this.#watch = kind === HTTP_CONNECTION ? WATCH_INPUT : WATCH_BOTH;
    this.#accepting = threadArea(context.self) + ACCEPTING;
  }

  handleEvent(fd: number): void {
    const { table, handles } = this.#context;
    do {
      if (!this.#acceptSome(fd)) handles.resumeHandle(fd, WATCH_INPUT);
    } while (table.leave(fd) !== 0);
  }

  /** A client has to begin and complete its first head in time; raw TCP knows no heads. */
  #firstDeadline(): number {
    const { control, limits } = this.#context;
    if (this.#kind !== HTTP_CONNECTION || limits.headersTicks === 0) return 0;
    return deadlineIn(control, limits.headersTicks);
  }

  /** @returns false when there may be more than one visit takes */
  #acceptSome(fd: number): boolean {
    const { control, limits, table } = this.#context;
    let open = 0;
    for (let count = 0; count < ACCEPTS_A_VISIT; count++) {
      if (Atomics.load(control, SET_STATE) >= SET_DRAINING) return true;
      open = Atomics.load(control, CONNECTIONS);
      if (open >= limits.maxConnections) return this.#suspend(fd, open, 'maxConnections is reached');
      // Counted first, and noted for the reviver: at no point may a connection be lost with this thread.
      Atomics.add(control, CONNECTIONS, 1);
      control[this.#accepting] = PLACE_TAKEN;
      const accepted = acceptConnection(fd);
      if (accepted < 0) {
        this.#giveUp();
        switch (-accepted) {
          case EAGAIN:
            return true;
          case EINTR:
          case ECONNABORTED:
            continue;
          case EMFILE:
          case ENFILE:
          case ENOBUFS:
          case ENOMEM:
            return this.#suspend(fd, open, errnoName(-accepted));
          default:
            // accept(2) also reports pending network errors of the new connection: the next one is not to blame.
            this.#context.log('warn', `accepting a connection failed with ${errnoName(-accepted)}`);
            continue;
        }
      }
      control[this.#accepting] = FIRST_ACCEPTED + accepted;
      if (accepted >= table.capacity) {
        closeDescriptor(accepted);
        this.#giveUp();
        return this.#suspend(fd, open, 'the handle table is full');
      }
      if (open >= control[CONNECTIONS_PEAK]!) control[CONNECTIONS_PEAK] = open + 1;
      this.#register(accepted);
    }
    return false;
  }

  #register(accepted: number): void {
    const { control, table, handles, self, counters } = this.#context;
    const generation = table.open(accepted, this.#kind, this.#firstDeadline(), self);
    // From here on the record says whose it is.
    control[this.#accepting] = NOTHING_ACCEPTED;
    counters[ACCEPTED]!++;
    try {
      handles.watchHandle(accepted, generation, this.#watch);
    } catch (error) {
      closeDescriptor(accepted);
      Atomics.sub(control, CONNECTIONS, 1);
      counters[CLOSED]!++;
      this.#context.log('warn', `a new connection could not be registered: ${(error as Error).message}`);
    }
  }

  /** There was nothing to accept after all. */
  #giveUp(): void {
    const { control } = this.#context;
    Atomics.sub(control, CONNECTIONS, 1);
    control[this.#accepting] = NOTHING_ACCEPTED;
  }

  #suspend(fd: number, open: number, why: string): true {
    const { control, handles } = this.#context;
    this.#context.log('warn', `accepting is suspended until a connection closes: ${why}`);
    handles.suspendHandle(fd);
    Atomics.store(control, ACCEPT_SUSPENDED, fd + 1);
    // A connection that closed before the word was set could not resume it.
    if (Atomics.load(control, CONNECTIONS) < open) resumeAccepting(control, handles);
    return true;
  }
}

/** Watches the suspended listening handle again, if there is one. */
export function resumeAccepting(control: Int32Array, handles: HandleSet): void {
  const suspended = Atomics.exchange(control, ACCEPT_SUSPENDED, 0);
  if (suspended !== 0) handles.resumeHandle(suspended - 1, WATCH_INPUT);
}

/** Ends a connection that the calling thread is inside or that is bound to it. */
export function closeConnection(context: ThreadContext, fd: number): void {
  context.table.close(fd);
  closeDescriptor(fd);
  context.counters[CLOSED]!++;
  Atomics.sub(context.control, CONNECTIONS, 1);
  if (Atomics.load(context.control, ACCEPT_SUSPENDED) !== 0)
    resumeAccepting(context.control, context.handles);
}
