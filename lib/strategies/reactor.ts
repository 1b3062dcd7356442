/**
 * Reactor (Schmidt, Stal, Rohnert, Buschmann: Pattern-Oriented Software Architecture, volume 2, chapter 3; first in Schmidt: Reactor, PLoP 1994).
 *
 * | participant | here |
 * | --- | --- |
 * | Handle | set/handle-table.ts |
 * | Synchronous Event Demultiplexer | demultiplexer.ts, over epoll |
 * | Event Handler, Concrete Event Handlers | connection/event-handler.ts and those that it names |
 * | Reactor, in the first paper Initiation Dispatcher | this class dispatches; set/handle-set.ts has `registerHandle` and `unregisterHandle` |
 *
 * One thread does all: it waits until handles are ready, and calls the event handler of each, one after the other. It is the model of Node
 * itself, of nginx's workers, and of one process of node:cluster.
 *
 *   step: waits ──▶ takes an event ──▶ processes it ──▶ waits
 *           └ none: own loop due ─────▶ return to the event loop
 *
 * A handler that blocks stalls every connection: there is nobody else.
 *
 * What differs from the pattern's description:
 *
 * - Events of handles that are bound to the thread come as own work, as in the other models (thread/own-work.ts).
 * - The thread's event loop runs between turns, because the apps of this server have timers and promises.
 * - The thread enters and leaves each handle by an exchange of its state word, as in the other models, although no other thread is there: the
 *   event handlers are the same. A server that only ever had this model would save the two.
 */
import { LEADERSHIPS } from '../memory/counters.js';
import { ENTERED, eventBits, HAND_OFF } from '../set/handle-table.js';
import { EVENT, nextEvent, OWN_WORK } from './demultiplexer.js';
import { LEAVE_SET, type Membership, NEXT_STEP, RETURN_TO_LOOP, type Strategy, type Turn } from './turn.js';

/** Events that are only noted, handed off or handled inline before the thread looks for own work, its loop, and the end of the set. */
const MAX_EVENTS_PER_STEP = 256;

export class Reactor implements Strategy {
  readonly #turn: Turn;
  readonly #member: Membership;
  /** It has just done own work: it looks for events before it does more. */
  #waitFirst = false;

  constructor(turn: Turn) {
    this.#turn = turn;
    this.#member = turn.member;
  }

  step(): number {
    const turn = this.#turn;
    const { threadSet, holds, recorder, counters } = this.#member;
    if (turn.isStopping()) return LEAVE_SET;
    if (turn.isFull()) return turn.returnToLoop();
    if (!this.#waitFirst && turn.hasOwnWorkHint()) return this.#doOwnWork();
    threadSet.waitForAll();
    holds.end(recorder.micros);
    counters[LEADERSHIPS]!++;
    if (turn.wasLong()) return turn.returnToLoop();
    this.#waitFirst = false;
    return this.#handleEvents();
  }

  #handleEvents(): number {
    const turn = this.#turn;
    for (let handled = 0; handled < MAX_EVENTS_PER_STEP; ) {
      switch (nextEvent(turn)) {
        case EVENT:
          if (this.#handleEvent()) return NEXT_STEP;
          handled++;
          break;
        case OWN_WORK:
          return this.#doOwnWork();
        case LEAVE_SET:
          return LEAVE_SET;
        case RETURN_TO_LOOP:
          return turn.returnToLoop();
        default:
      }
    }
    return NEXT_STEP;
  }

  /** @returns whether the event just taken was processed, so that the thread has to begin to wait again */
  #handleEvent(): boolean {
    const turn = this.#turn;
    const { handles, self, threadSet } = this.#member;
    const { ready, table } = handles;
    const { fd, generation } = ready;
    const events = eventBits(ready.events);
    switch (table.claim(fd, generation, events, self)) {
      case ENTERED:
        if (turn.handlesInline(fd)) return false;
        turn.entered(fd);
        threadSet.process(true);
        turn.beginsProcessing();
        turn.process(fd, events);
        return true;
      case HAND_OFF:
        // To itself: the handle is bound to this thread.
        turn.handOff(fd, generation, table.handOffTo);
        return false;
      default:
        return false;
    }
  }

  #doOwnWork(): number {
    this.#waitFirst = true;
    this.#turn.beginsProcessing();
    return this.#turn.doOwnWork();
  }
}
