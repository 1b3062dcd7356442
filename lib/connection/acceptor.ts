/**
 * The concrete event handler of listening sockets: accepts the connections in the kernel's queue and registers each, for the event
 * handler that its listener names (listeners.ts). No user code runs here, so a thread is inside the handle for a short time only.
 * Owner of the words CONNECTIONS, CONNECTIONS_PEAK, SUSPENSIONS, SUSPENDED_FOR, ACCEPTING and ACCEPTING_FROM; connections are closed
 * in close.ts.
 *
 * Where threads have handle sets of their own, it deals each connection to one of them (dealing.ts).
 *
 * When descriptors run out, the listening handle is suspended, and the thread that closes the next connection resumes it
 * (listeners.ts). Until then new connections stay in the kernel's queue, and the leader is not woken for them.
 *
 * A thread may be terminated at any function call and in any loop, because V8 checks for termination there; so also between any two
 * calls below. The thread records its next step in ACCEPTING first, and recovery completes that step. Where a count is changed, its
 * record (ACCEPTING for CONNECTIONS, ACCEPTING_FROM for the listener's, ACCEPTING_TO for the set's) is updated by the next statement, with no
 * call and no loop in between: a thread cannot be terminated there, so recovery never counts a connection twice.
 */
import { ACCEPTED, CLOSED, DROPPED } from '../memory/counters.js';
import {
  ACCEPTING,
  ACCEPTING_FROM,
  ACCEPTING_TO,
  CONNECTIONS,
  CONNECTIONS_PEAK,
  SET_CLEARING,
  SET_STATE,
  SUSPENDED_FOR,
  SUSPENSIONS,
  threadArea,
} from '../memory/layout.js';
import { INTEREST_INPUT, INTEREST_INPUT_OUTPUT } from '../set/handle-set.js';
import { FREE } from '../set/handle-table.js';
import { closeDescriptor } from '../sys/descriptor.js';
import { EAGAIN, ECONNABORTED, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, errnoName } from '../sys/libc.js';
import { acceptConnection, replaceByDeadSocket, shutdownBoth } from '../sys/socket.js';
import { closeConnection } from './close.js';
import { deadlineIn } from './deadlines.js';
import { deal, ownConnectionsWord } from './dealing.js';
import { type EventHandler, HTTP_CONNECTION, NODE_CONNECTION, type ThreadContext } from './event-handler.js';
import {
  connectionsWord,
  isSuspended,
  kindOfConnections,
  resumeListener,
  suspendListener,
} from './listeners.js';

/** Calls of accept4(2) in one dispatch, so that clients that keep connecting do not occupy the thread. */
const MAX_ACCEPTS_PER_DISPATCH = 64;

/** Values of the word SUSPENDED_FOR that are not an errno. */
const SUSPENDED_BY_LIMIT = 0;
const SUSPENDED_BY_TABLE = -1;

/** Values of the word ACCEPTING; a descriptor is added to FIRST_ACCEPTED. */
export const NOTHING_ACCEPTED = 0;
/** A connection is counted; accept4 may have returned its descriptor already. */
export const PLACE_TAKEN = 1;
export const FIRST_ACCEPTED = 2;

export class Acceptor implements EventHandler {
  readonly #context: ThreadContext;
  readonly #reportsAtOnce: boolean;
  /** Index of this thread's word ACCEPTING, of ACCEPTING_FROM, and of ACCEPTING_TO. */
  readonly #accepting: number;
  readonly #acceptingFrom: number;
  readonly #acceptingTo: number;
  // Of the listener that the thread is inside.
  #listener = 0;
  #kind = 0;
  /** Index of its word LISTENER_CONNECTIONS. */
  #ofListener = 0;

  /** @param reportsAtOnce whether every connection gets an event as soon as it is accepted, even if its client does not speak first */
  constructor(context: ThreadContext, reportsAtOnce = false) {
    this.#context = context;
    this.#reportsAtOnce = reportsAtOnce;
    this.#accepting = threadArea(context.self) + ACCEPTING;
    this.#acceptingFrom = threadArea(context.self) + ACCEPTING_FROM;
    this.#acceptingTo = threadArea(context.self) + ACCEPTING_TO;
  }

  handleEvent(fd: number): void {
    const { table, handles, control } = this.#context;
    this.#enter(table.listener(fd));
    let calls = MAX_ACCEPTS_PER_DISPATCH;
    for (;;) {
      calls = this.#acceptSome(fd, calls);
      // There may be more than one dispatch accepts: the kernel reports the handle again, to the next leader.
      if (calls === 0) handles.resumeHandle(fd, INTEREST_INPUT);
      if (table.leave(fd) === 0) return;
      // A thread that has closed a connection found this one inside, and left it the rest.
      if (isSuspended(control, this.#listener)) resumeListener(control, handles, this.#listener, fd);
    }
  }

  #enter(listener: number): void {
    this.#listener = listener;
    this.#kind = kindOfConnections(this.#context.control, listener);
    this.#ofListener = connectionsWord(listener);
  }

  /** HTTP: the client speaks first. */
  #awaitsHead(): boolean {
    return this.#kind === HTTP_CONNECTION || this.#kind === NODE_CONNECTION;
  }

  /** The deadline of a client's first head; other protocols have no heads. */
  #firstDeadline(): number {
    const { control, limits } = this.#context;
    if (!this.#awaitsHead() || limits.headersTicks === 0) return 0;
    return deadlineIn(control, limits.headersTicks);
  }

  /**
   * @param calls calls of accept4 that the dispatch may still make
   * @returns calls left; 0 when there may be more to accept
   */
  #acceptSome(fd: number, calls: number): number {
    const { control, limits } = this.#context;
    for (let left = calls; left > 0; left--) {
      if (Atomics.load(control, SET_STATE) >= SET_CLEARING) return left;
      const open = Atomics.load(control, CONNECTIONS);
      if (open >= limits.maxConnections) return this.#suspend(fd, open, SUSPENDED_BY_LIMIT, left);
      // Counted first, and recorded for recovery: at no point may a connection be lost with this thread.
      Atomics.add(control, CONNECTIONS, 1);
      control[this.#accepting] = PLACE_TAKEN;
      Atomics.add(control, this.#ofListener, 1);
      control[this.#acceptingFrom] = 1 + this.#listener;
      const accepted = acceptConnection(fd);
      if (accepted >= 0) {
        if (!this.#take(accepted, open)) return this.#suspend(fd, open, SUSPENDED_BY_TABLE, left);
        continue;
      }
      this.#giveUp();
      switch (-accepted) {
        case EAGAIN:
          return left;
        case EINTR:
        case ECONNABORTED:
          continue;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
          return this.#suspend(fd, open, -accepted, left);
        default:
          // accept(2) also reports pending network errors of the new connection; the next one may be sound.
          this.#context.log('warn', `accepting a connection failed with ${errnoName(-accepted)}`);
      }
    }
    return 0;
  }

  /** @returns false when the descriptor is beyond the table's capacity */
  #take(accepted: number, open: number): boolean {
    const { control, table } = this.#context;
    if (accepted >= table.capacity) {
      // If the thread dies here, recovery finds the descriptor (control/strays.ts).
      closeDescriptor(accepted);
      this.#giveUp();
      return false;
    }
    if (table.state(accepted) !== FREE) {
      this.#endBoth(accepted);
      return true;
    }
    control[this.#accepting] = FIRST_ACCEPTED + accepted;
    if (open >= control[CONNECTIONS_PEAK]!) control[CONNECTIONS_PEAK] = open + 1;
    this.#register(accepted);
    return true;
  }

  #register(accepted: number): void {
    const { control, table, handles, self, counters } = this.#context;
    const set = handles.count > 1 ? this.#deal() : 0;
    const generation = table.open(accepted, this.#kind, this.#firstDeadline(), self, this.#listener, set);
    control[this.#acceptingFrom] = 0;
    control[this.#acceptingTo] = 0;
    // From here on the record names the owner. Not a plain store: a thread that sees it sees the record as well.
    Atomics.store(control, this.#accepting, NOTHING_ACCEPTED);
    counters[ACCEPTED]!++;
    try {
      // A server of another protocol may speak first: its connections report that they are writable at once.
      const interest = this.#awaitsHead() && !this.#reportsAtOnce ? INTEREST_INPUT : INTEREST_INPUT_OUTPUT;
      handles.completeRegistration(accepted, generation, interest);
    } catch (error) {
      closeConnection(this.#context, accepted);
      this.#context.log('warn', `a new connection could not be registered: ${(error as Error).message}`);
    }
  }

  /** @returns the thread whose set gets the connection, which is counted there */
  #deal(): number {
    const { control, handles } = this.#context;
    const acceptingTo = this.#acceptingTo;
    const set = deal(control, handles.count);
    const ofSet = ownConnectionsWord(set);
    Atomics.add(control, ofSet, 1);
    control[acceptingTo] = set;
    return set;
  }

  /**
   * The kernel has returned a number that the table has a connection for: other code has closed the descriptor of that connection.
   * Both connections are ended. The number belongs to the connection in the table and is closed with it; a dead socket takes its
   * place, so nothing that the new client sends is read as the old one's, nothing for the old one is sent to it, and the thread that
   * takes the old connection's next event finds it broken in the usual way. The owner may close the number just before, and another
   * thread be given it. That window of a microsecond remains; it follows a bug in the app that put every descriptor of the process
   * at risk.
   */
  #endBoth(fd: number): void {
    const { handles, counters } = this.#context;
    const failed = replaceByDeadSocket(fd);
    // The number stays open in any case: it is closed with the connection in the table.
    if (failed < 0) shutdownBoth(fd);
    handles.reregisterHandle(fd, INTEREST_INPUT);
    counters[ACCEPTED]!++;
    counters[DROPPED]!++;
    counters[CLOSED]!++;
    this.#giveUp();
    this.#context.log(
      'error',
      'the descriptor of a connection was closed by something else than the server, so that connection and a new one, which got its number, were ended; look for code that closes a descriptor twice (fs.closeSync, FileHandle, a native addon)',
      { descriptor: fd },
    );
  }

  /** No connection came of it: it is no longer counted. */
  #giveUp(): void {
    const { control } = this.#context;
    const accepting = this.#accepting;
    Atomics.sub(control, CONNECTIONS, 1);
    control[accepting] = NOTHING_ACCEPTED;
    Atomics.sub(control, this.#ofListener, 1);
    control[this.#acceptingFrom] = 0;
  }

  /** @returns `calls` */
  #suspend(fd: number, open: number, why: number, calls: number): number {
    const { control, handles } = this.#context;
    control[SUSPENDED_FOR] = why;
    Atomics.add(control, SUSPENSIONS, 1);
    suspendListener(control, handles, this.#listener, fd);
    // A thread that closed a connection before the bit was set could not resume accepting.
    if (Atomics.load(control, CONNECTIONS) < open) resumeListener(control, handles, this.#listener, fd);
    return calls;
  }
}
