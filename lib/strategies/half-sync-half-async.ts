/**
 * Half-Sync/Half-Async (Schmidt, Stal, Rohnert, Buschmann: Pattern-Oriented Software Architecture, volume 2, chapter 5; first in Schmidt,
 * Cranor: Half-Sync/Half-Async, PLoP 1995), with a queue for each worker, as in memcached, or Netty's boss and worker groups.
 *
 * | participant | here |
 * | --- | --- |
 * | External Event Sources | clients, by the kernel |
 * | Asynchronous Service Layer | the kernel, and thread 0, the acceptor: it accepts connections and deals them out (connection/dealing.ts) |
 * | Queueing Layer | a handle set for each worker (set/handle-set.ts): the kernel puts ready handles into its list |
 * | Synchronous Service Layer | the workers, threads 1 and up: each takes from its own queue, reads, runs the handler, and answers |
 *
 *   acceptor: waits ──▶ a listening socket is ready ──▶ accepts, deals ──▶ waits
 *                                                           │ registers the connection in the set of the worker with the least load
 *                                                           ▼
 *   worker:   waits ──▶ a connection of its set is ready ──▶ processes it ──▶ waits
 *               └ none: own loop due ─────────▶ return to the event loop
 *
 * A connection belongs to its worker for life. So nothing is passed from thread to thread at an event, and no worker has to be woken by
 * another; but a handler that blocks stalls all other connections of its worker, while other workers may have nothing to do. Dealing by load
 * keeps new connections away from such a worker, and cannot help those that it has.
 *
 * What differs from the pattern's description:
 *
 * - There are as many queues as workers, where the pattern has one that all of them take from; that one is half-sync-half-reactive.ts.
 *   Seen from a worker, its set and its handlers are a Reactor, so the arrangement is also known as several Reactors behind an acceptor.
 *   The pattern's synchronous services may block at no cost to each other; here only those of different workers may.
 * - The acceptor registers a connection in the worker's set itself. memcached and Netty pass it through a queue of the worker, which they wake
 *   for that; and they deal in turn, where this one deals by load.
 * - The queues hold readiness, not messages: what has arrived stays in the kernel until the worker reads it.
 * - Every worker has its own event loop beside its queue, because the apps of this server have timers and promises.
 * - The acceptor also runs the timeouts: it ends idle connections of any worker, also of one that is inside a long handler
 *   (connection/timeouts.ts). It calls no handler of a request. What it does call is code that hears of the end, as `clientError` of a
 *   `node:http` server.
 */
import { processes, takesPart, waits } from '../connection/dealing.js';
import { HAND_OFFS, LEADERSHIPS } from '../memory/counters.js';
import { ENTERED, eventBits, HAND_OFF } from '../set/handle-table.js';
import { nowMicros } from '../sys/clock.js';
import { EVENT, nextEvent, OWN_WORK } from './demultiplexer.js';
import { LEAVE_SET, type Membership, NEXT_STEP, RETURN_TO_LOOP, type Strategy, type Turn } from './turn.js';

/** The thread that accepts. */
const ACCEPTOR = 0;

/** Events that are only noted or handled inline before the thread looks for own work, its loop, and the end of the set. */
const MAX_EVENTS_PER_STEP = 256;

/**
 * How long the acceptor waits for workers that have yet to load the app, and how often it looks. What is dealt stays: if it began with the
 * first worker that is ready, that one would have all of the first connections for life.
 */
const MAX_START_MICROS = 1_000_000;
const START_CHECK_MS = 10;

export class HalfSyncHalfAsync implements Strategy {
  readonly #turn: Turn;
  readonly #member: Membership;
  readonly #words: Int32Array;
  readonly #accepts: boolean;
  /** Until when the acceptor waits for workers, by sys/clock.ts; 0 once it does not, and for a worker. */
  #startUntil: number;
  /** It has just done own work: it looks for events before it does more. */
  #waitFirst = false;
  /** Whether the last wait ended for another reason than the thread's own loop. */
  #goesOn = true;
  readonly #sleep = (): void => {
    this.#goesOn = this.#turn.waitForEvents();
  };

  constructor(turn: Turn) {
    this.#turn = turn;
    this.#member = turn.member;
    this.#words = new Int32Array(turn.member.control);
    this.#accepts = turn.member.self === ACCEPTOR;
    this.#startUntil = this.#accepts ? nowMicros() + MAX_START_MICROS : 0;
  }

  step(): number {
    const turn = this.#turn;
    const { holds, recorder, counters } = this.#member;
    if (turn.isStopping()) return LEAVE_SET;
    if (turn.isFull()) return this.#returnToLoop();
    if (!this.#waitFirst && turn.hasOwnWorkHint()) return this.#doOwnWork();
    if (this.#startUntil !== 0 && this.#someoneLoads()) return this.#pause();
    this.#beginToWait();
    holds.end(recorder.micros);
    counters[LEADERSHIPS]!++;
    if (turn.wasLong()) return this.#returnToLoop();
    this.#waitFirst = false;
    return this.#handleEvents();
  }

  #handleEvents(): number {
    for (let handled = 0; handled < MAX_EVENTS_PER_STEP; ) {
      switch (nextEvent(this.#turn, undefined, this)) {
        case EVENT:
          if (this.#handleEvent()) return NEXT_STEP;
          handled++;
          break;
        case OWN_WORK:
          return this.#doOwnWork();
        case LEAVE_SET:
          return LEAVE_SET;
        case RETURN_TO_LOOP:
          return this.#returnToLoop();
        default:
      }
    }
    return NEXT_STEP;
  }

  /** @returns whether the event just taken was processed, so that the thread has to begin to wait again */
  #handleEvent(): boolean {
    const turn = this.#turn;
    const { handles, self } = this.#member;
    const { ready, table } = handles;
    const { fd, generation } = ready;
    const events = eventBits(ready.events);
    switch (table.claim(fd, generation, events, self)) {
      case ENTERED:
        if (turn.handlesInline(fd)) return false;
        this.#process(fd, events);
        return true;
      case HAND_OFF:
        return this.#handleBound(fd, generation, table.handOffTo);
      default:
        // The doorbell, too: it is in no record.
        return false;
    }
  }

  /** The event is of a handle that is bound to a thread: to this one, unless another one has ended it, as the timeouts do. @returns as above */
  #handleBound(fd: number, generation: number, owner: number): boolean {
    const { handles, self, lot, counters } = this.#member;
    if (owner === self) {
      const noted = handles.table.takeNoted(fd, generation, self);
      if (noted !== 0) this.#process(fd, noted);
      return noted !== 0;
    }
    counters[HAND_OFFS]!++;
    // Not an entry: several workers may have one for the same thread, and a mailbox has one producer at a time.
    this.#turn.mailboxOf(owner).requestSweep();
    lot.wake(owner);
    return false;
  }

  #process(fd: number, events: number): void {
    const turn = this.#turn;
    turn.entered(fd);
    this.#beginToProcess(true);
    turn.process(fd, events);
  }

  // ---- states ------------------------------------------------------------------------------------------------------------

  #beginToWait(): void {
    const { threadSet, self } = this.#member;
    if (this.#accepts) {
      threadSet.waitForAll();
      return;
    }
    threadSet.waitForOwn();
    waits(this.#words, self);
  }

  /** @param tookEvent as ThreadSet.process */
  #beginToProcess(tookEvent = false): void {
    const { threadSet, recorder, self } = this.#member;
    threadSet.process(tookEvent);
    this.#turn.beginsProcessing();
    if (!this.#accepts) processes(this.#words, self, recorder.micros);
  }

  #doOwnWork(): number {
    this.#waitFirst = true;
    this.#beginToProcess();
    return this.#turn.doOwnWork();
  }

  #returnToLoop(): number {
    this.#beginToProcess();
    return this.#turn.returnToLoop();
  }

  /** As Turn.waitForEvents; the thread parks in the kernel: its doorbell is in the set that it waits for. */
  waitForEvents(): boolean {
    this.#goesOn = true;
    this.#member.lot.park(this.#member.self, this.#turn.mustWake, this.#sleep);
    return this.#goesOn;
  }

  // ---- the acceptor's start ------------------------------------------------------------------------------------------------

  /** Whether a worker has yet to load the app, and there is time to wait for it. */
  #someoneLoads(): boolean {
    const threads = this.#member.handles.count;
    for (let thread = 1; thread < threads; thread++) {
      if (!takesPart(this.#words, thread) && nowMicros() < this.#startUntil) return true;
    }
    this.#startUntil = 0;
    return false;
  }

  #pause(): number {
    const turn = this.#turn;
    const { threadSet, lot, loop, recorder, self } = this.#member;
    const timeoutMs = loop.timeoutMs();
    if (timeoutMs === 0) return turn.returnToLoop();
    threadSet.idle();
    turn.rests();
    const ms = timeoutMs < 0 ? START_CHECK_MS : Math.min(timeoutMs, START_CHECK_MS);
    lot.park(self, turn.mustWake, () => turn.sleep(ms));
    recorder.waited();
    return turn.loopIsDue || ms === timeoutMs ? turn.returnToLoop() : NEXT_STEP;
  }
}
