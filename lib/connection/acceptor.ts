/**
 * The concrete event handler of a listening socket: accepts the connections in the kernel's queue and registers each. No user code
 * runs here, so a thread is inside the handle for a short time only. Owner of the words CONNECTIONS, CONNECTIONS_PEAK,
 * ACCEPT_SUSPENDED, SUSPENSIONS, SUSPENDED_FOR and ACCEPTING; connections are closed, and accepting is resumed, in close.ts.
 *
 * When descriptors run out, the listening handle is suspended, and the thread that closes the next connection resumes it. Until then
 * new connections stay in the kernel's queue, and the leader is not woken for them.
 *
 * A thread may be terminated at any function call and in any loop, because V8 checks for termination there; so also between any two
 * calls below. The thread records its next step in ACCEPTING first, and recovery completes that step. Where CONNECTIONS is changed,
 * the record is updated by the next statement, with no call and no loop in between: a thread cannot be terminated there, so recovery
 * never counts a connection twice.
 */
import { ACCEPTED, CLOSED, DROPPED } from '../memory/counters.js';
import {
  ACCEPT_SUSPENDED,
  ACCEPTING,
  CONNECTIONS,
  CONNECTIONS_PEAK,
  SET_DRAINING,
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
import { closeConnection, resumeAccepting } from './close.js';
import { deadlineIn } from './deadlines.js';
import { type EventHandler, HTTP_CONNECTION, type ThreadContext } from './event-handler.js';

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
  readonly #kind: number;
  readonly #interest: number;
  /** Index of this thread's word ACCEPTING. */
  readonly #accepting: number;

  /** @param kind which event handler serves the accepted connections */
  constructor(context: ThreadContext, kind: number) {
    this.#context = context;
    this.#kind = kind;
    // A raw TCP app may speak first: its connections report that they are writable at once.
    this.#interest = kind === HTTP_CONNECTION ? INTEREST_INPUT : INTEREST_INPUT_OUTPUT;
    this.#accepting = threadArea(context.self) + ACCEPTING;
  }

  handleEvent(fd: number): void {
    const { table, handles } = this.#context;
    let calls = MAX_ACCEPTS_PER_DISPATCH;
    do {
      calls = this.#acceptSome(fd, calls);
      // There may be more than one dispatch accepts: the kernel reports the handle again, to the next leader.
      if (calls === 0) handles.resumeHandle(fd, INTEREST_INPUT);
    } while (table.leave(fd) !== 0);
  }

  /** The deadline of a client's first head; raw TCP has no heads. */
  #firstDeadline(): number {
    const { control, limits } = this.#context;
    if (this.#kind !== HTTP_CONNECTION || limits.headersTicks === 0) return 0;
    return deadlineIn(control, limits.headersTicks);
  }

  /**
   * @param calls calls of accept4 that the dispatch may still make
   * @returns calls left; 0 when there may be more to accept
   */
  #acceptSome(fd: number, calls: number): number {
    const { control, limits } = this.#context;
    for (let left = calls; left > 0; left--) {
      if (Atomics.load(control, SET_STATE) >= SET_DRAINING) return left;
      const open = Atomics.load(control, CONNECTIONS);
      if (open >= limits.maxConnections) return this.#suspend(fd, open, SUSPENDED_BY_LIMIT, left);
      // Counted first, and recorded for recovery: at no point may a connection be lost with this thread.
      Atomics.add(control, CONNECTIONS, 1);
      control[this.#accepting] = PLACE_TAKEN;
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
    const generation = table.open(accepted, this.#kind, this.#firstDeadline(), self);
    // From here on the record names the owner. Not a plain store: a thread that sees it sees the record as well.
    Atomics.store(control, this.#accepting, NOTHING_ACCEPTED);
    counters[ACCEPTED]!++;
    try {
      handles.completeRegistration(accepted, generation, this.#interest);
    } catch (error) {
      closeConnection(this.#context, accepted);
      this.#context.log('warn', `a new connection could not be registered: ${(error as Error).message}`);
    }
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
  }

  /** @returns `calls` */
  #suspend(fd: number, open: number, why: number, calls: number): number {
    const { control, handles } = this.#context;
    control[SUSPENDED_FOR] = why;
    Atomics.add(control, SUSPENSIONS, 1);
    handles.suspendHandle(fd);
    Atomics.store(control, ACCEPT_SUSPENDED, fd + 1);
    // A thread that closed a connection before the word was set could not resume accepting.
    if (Atomics.load(control, CONNECTIONS) < open) resumeAccepting(control, handles);
    return calls;
  }
}
