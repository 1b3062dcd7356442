/**
 * The concrete event handler of a listening socket: accepts what waits and registers each connection. No user code
 * runs here, so the handle is never held for long. Owner of the words CONNECTIONS, CONNECTIONS_PEAK, ACCEPT_SUSPENDED,
 * SUSPENSIONS, SUSPENDED_FOR and ACCEPTING; connections are closed, and accepting is resumed, in close.ts.
 *
 * When descriptors run out, the listening handle is suspended, and whoever closes a connection next resumes it: the
 * connections that wait stay in the kernel's queue meanwhile, instead of making the leader spin.
 *
 * A thread may be ended at any call of a function and at any loop, as V8 looks there whether it is to stop, so also between any
 * two calls below. What it was about, it notes first, in ACCEPTING, and recovery completes it. Where CONNECTIONS
 * is changed, the note is changed by the next statement, with no call of a function and no loop between them: a thread cannot be
 * ended there, so recovery never counts twice.
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

/** Calls of accept4(2) in one dispatch, so that clients that go on connecting do not keep the thread. */
const MAX_ACCEPTS_PER_DISPATCH = 64;

/** Values of the word SUSPENDED_FOR that are no errno. */
const SUSPENDED_BY_LIMIT = 0;
const SUSPENDED_BY_TABLE = -1;

/** Values of the word ACCEPTING; a descriptor is added to FIRST_ACCEPTED. */
export const NOTHING_ACCEPTED = 0;
/** A place is counted; there may be a descriptor for it already. */
export const PLACE_TAKEN = 1;
export const FIRST_ACCEPTED = 2;

export class Acceptor implements EventHandler {
  readonly #context: ThreadContext;
  readonly #kind: number;
  readonly #watch: number;
  /** The word that tells recovery what is in hand. */
  readonly #accepting: number;

  /** @param kind which event handler serves the accepted connections */
  constructor(context: ThreadContext, kind: number) {
    this.#context = context;
    this.#kind = kind;
    // A raw TCP app may speak first: its connections report that they are writable at once.
    this.#watch = kind === HTTP_CONNECTION ? INTEREST_INPUT : INTEREST_INPUT_OUTPUT;
    this.#accepting = threadArea(context.self) + ACCEPTING;
  }

  handleEvent(fd: number): void {
    const { table, handles } = this.#context;
    let calls = MAX_ACCEPTS_PER_DISPATCH;
    do {
      calls = this.#acceptSome(fd, calls);
      // There may be more than one dispatch takes: the kernel reports it again, to whoever comes next.
      if (calls === 0) handles.resumeHandle(fd, INTEREST_INPUT);
    } while (table.leave(fd) !== 0);
  }

  /** A client has to begin and complete its first head in time; raw TCP knows no heads. */
  #firstDeadline(): number {
    const { control, limits } = this.#context;
    if (this.#kind !== HTTP_CONNECTION || limits.headersTicks === 0) return 0;
    return deadlineIn(control, limits.headersTicks);
  }

  /**
   * @param calls how many calls of accept4 the dispatch has left
   * @returns how many are left now; 0 when there may be more to accept
   */
  #acceptSome(fd: number, calls: number): number {
    const { control, limits } = this.#context;
    for (let left = calls; left > 0; left--) {
      if (Atomics.load(control, SET_STATE) >= SET_DRAINING) return left;
      const open = Atomics.load(control, CONNECTIONS);
      if (open >= limits.maxConnections) return this.#suspend(fd, open, SUSPENDED_BY_LIMIT, left);
      // Counted first, and noted for recovery: at no point may a connection be lost with this thread.
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
          // accept(2) also reports pending network errors of the new connection: the next one is not to blame.
          this.#context.log('warn', `accepting a connection failed with ${errnoName(-accepted)}`);
      }
    }
    return 0;
  }

  /** @returns false when the table has no record for it */
  #take(accepted: number, open: number): boolean {
    const { control, table } = this.#context;
    if (accepted >= table.capacity) {
      // Dying here, this thread leaves a descriptor that recovery finds.
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
    // From here on the record says whose it is. Not a plain store: whoever sees it sees the record, too.
    Atomics.store(control, this.#accepting, NOTHING_ACCEPTED);
    counters[ACCEPTED]!++;
    try {
      handles.completeRegistration(accepted, generation, this.#watch);
    } catch (error) {
      closeConnection(this.#context, accepted);
      this.#context.log('warn', `a new connection could not be registered: ${(error as Error).message}`);
    }
  }

  /**
   * The kernel gives a number anew for which there is a connection in the table: something else has closed the descriptor of that
   * one. Both are ended. The number belongs to the connection in the table, and is closed with it: it gets a dead socket, so that
   * nothing of the new client is ever read as the old one's, or sent to it, and whoever is to have the connection's events
   * learns that it is broken in the usual way. Its owner may close the number just before, and some other thread be given it;
   * that window of a microsecond comes after a mistake of the app's that had put every descriptor of the process at risk.
   */
  #endBoth(fd: number): void {
    const { handles, counters } = this.#context;
    const failed = replaceByDeadSocket(fd);
    // The number stays open in any case, for the connection in the table to be closed with.
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

  /** The place is free again. */
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
    // A connection that closed before the word was set could not resume it.
    if (Atomics.load(control, CONNECTIONS) < open) resumeAccepting(control, handles);
    return calls;
  }
}
