/**
 * Leader/Followers (Schmidt, Stal, Rohnert, Buschmann: Pattern-Oriented Software Architecture, volume 2, chapter 5; first in Schmidt,
 * O'Ryan, Kircher, Pyarali, Buschmann: Leader/Followers, PLoP 2000).
 *
 * | participant | here |
 * | --- | --- |
 * | Handle, Handle Set | set/handle-table.ts, set/handle-set.ts |
 * | Thread Set | set/thread-set.ts: `join`, `promoteNewLeader` |
 * | Event Handler, Concrete Event Handlers | connection/event-handler.ts and those that it names |
 *
 * All threads are peers. The one that leads waits for events; the others process, or are parked. The leader takes one event, promotes a new
 * leader, and then processes the event itself, so no event is passed from one thread to another.
 *
 *   step: ┌▶ own work, if leading came last ─▶ do a portion of it ─────────────┐
 *         │  join ──▶ leads: take an event ──▶ promote ──▶ process ────────────┤
 *         │             │ hand-off: to its thread, goes on leading             │
 *         │             │ for a host that is parked: yield ─▶ park             │
 *         │             └ none: wait in the kernel ─── own loop due ─▶ promote ─▶ return to the event loop
 *         │  else park ─────────────────────────────── own loop due ───────────▶ return to the event loop
 *         └──────────────────── bounds of a turn reached ──────────────────────┘ ───▶ return to the event loop
 *
 * What differs from the pattern's description:
 *
 * - The handle set reports many events at once. They lie in a shared list, and each leader takes one (set/ready-list.ts).
 * - A handle whose event is being processed stays active in the kernel's set, where the pattern deactivates it before the promotion and
 *   reactivates it afterwards. Its record says that a thread is inside, and leaders note further events there (set/handle-table.ts).
 * - A promotion wakes a follower only where that pays (set/watch.ts): after a short event the thread that processed it leads again. Of several
 *   it wakes the one with the lowest number, so that hot threads stay hot (set/parking-lot.ts); the pattern leaves the order open.
 * - A follower sleeps beside its own event loop, not at a condition variable, and a thread returns to that loop between turns, because the apps of
 *   this server have timers and promises.
 * - Some handles are bound to a thread, because what it does with them cannot move: the leader hands their events off (set/mailbox.ts).
 *   The pattern calls it bound handle/thread associations.
 * - Requests of routes that are known to block keep away from threads on which others wait (hand-over.ts, set/engagement.ts).
 *
 * User code runs only between promoteNewLeader (or as a follower) and the next join, so no handler, no timer and no promise reaction ever
 * keeps the others from the handle set.
 */
import { LEADERSHIPS, PARKS, PROMOTIONS, RECLAIMS, WAKE_UPS } from '../memory/counters.js';
import { ENTERED, eventBits, HAND_OFF } from '../set/handle-table.js';
import { nowMicros } from '../sys/clock.js';
import { EVENT, nextEvent, OWN_WORK } from './demultiplexer.js';
import { HandOver } from './hand-over.js';
import { onlyLookedStalled } from './stall.js';
import { LEAVE_SET, type Membership, NEXT_STEP, RETURN_TO_LOOP, type Strategy, type Turn } from './turn.js';

/**
 * Events that a leader only notes, hands off or handles inline before it checks for own work, its loop, and the end of the set.
 */
const MAX_EVENTS_PER_LEADERSHIP = 256;

export class LeaderFollowers implements Strategy {
  readonly #turn: Turn;
  readonly #member: Membership;
  readonly #handOver: HandOver;
  /** A promotion woke this thread: others rely on it to try for leadership before anything else. */
  #promoted = false;
  /** It has just done own work: it tries to lead before it does more. */
  #leadFirst = false;
  /**
   * It has taken an event since it last yielded. Without this, a thread that yields and a host that finds it leading again and parks, in step,
   * would go on for ever (found by the model).
   */
  #mayYield = true;
  /** It has parked since it last led. */
  #parked = true;

  constructor(turn: Turn) {
    this.#turn = turn;
    this.#member = turn.member;
    this.#handOver = new HandOver(turn.member, (thread) => turn.mailboxOf(thread));
  }

  step(): number {
    const turn = this.#turn;
    if (turn.isStopping()) return LEAVE_SET;
    const promoted = this.#promoted;
    if (turn.isFull() && !promoted) return RETURN_TO_LOOP;
    if (!promoted && !this.#leadFirst && turn.hasOwnWorkHint()) return this.#doOwnWork();
    this.#promoted = false;
    const { threadSet, engagement, counters, recorder } = this.#member;
    const defers = !promoted && engagement.defers();
    if (defers || !threadSet.join()) {
      this.#endProcessing(nowMicros());
      // There is a leader, or a host leads next, so nobody relies on this thread any more: its own work comes first.
      if (turn.hasOwnWork()) return this.#doOwnWork();
      return turn.loopIsDue ? turn.returnToLoop() : this.#follow(defers);
    }
    this.#endProcessing(recorder.micros);
    counters[LEADERSHIPS]!++;
    if (!this.#parked) counters[RECLAIMS]!++;
    this.#parked = false;
    if (turn.wasLong()) return this.#promoteThen(RETURN_TO_LOOP);
    this.#leadFirst = false;
    return this.#lead();
  }

  #endProcessing(now: number): void {
    const { threadSet, holds } = this.#member;
    if (onlyLookedStalled(this.#turn, now)) threadSet.retractStall();
    holds.end(now);
  }

  // ---- leading -----------------------------------------------------------------------------------------------------------

  #lead(): number {
    const turn = this.#turn;
    const { engagement } = this.#member;
    for (let led = 0; led < MAX_EVENTS_PER_LEADERSHIP; ) {
      if (this.#mayYield && engagement.yields()) return this.#yield();
      // It must not wait for the handler of an event that this thread takes, which may never end.
      if (turn.hasHandOverHint()) return this.#promoteThenDoOwnWork();
      switch (nextEvent(turn)) {
        case EVENT:
          this.#mayYield = true;
          if (this.#claim()) return NEXT_STEP;
          led++;
          break;
        case OWN_WORK:
          return this.#promoteThenDoOwnWork();
        case LEAVE_SET:
          return LEAVE_SET;
        case RETURN_TO_LOOP:
          return this.#promoteThen(RETURN_TO_LOOP);
        default:
      }
    }
    return this.#promoteThen(NEXT_STEP);
  }

  /** Has the event just taken processed. @returns whether this thread did it, and no longer leads */
  #claim(): boolean {
    const turn = this.#turn;
    const { handles, self } = this.#member;
    const { ready, table } = handles;
    const { fd, generation } = ready;
    const events = eventBits(ready.events);
    switch (table.claim(fd, generation, events, self)) {
      case ENTERED:
        if (turn.handlesInline(fd) || this.#handOver.passesOn(fd, generation, events)) return false;
        turn.entered(fd);
        this.#promote(true);
        turn.process(fd, events);
        return true;
      case HAND_OFF:
        turn.handOff(fd, generation, table.handOffTo);
        return false;
      default:
        return false;
    }
  }

  #promote(tookEvent: boolean): void {
    const { counters, threadSet, holds } = this.#member;
    counters[PROMOTIONS]!++;
    if (threadSet.promoteNewLeader(tookEvent, holds.coresAreTaken)) counters[WAKE_UPS]!++;
    this.#turn.beginsProcessing();
  }

  #promoteThen(end: number): number {
    this.#promote(false);
    return end;
  }

  #promoteThenDoOwnWork(): number {
    this.#promote(false);
    return this.#doOwnWork();
  }

  /** Leaves leadership to a host that is parked, and stands ready to block. */
  #yield(): number {
    const { counters, threadSet } = this.#member;
    counters[PROMOTIONS]!++;
    this.#mayYield = false;
    if (threadSet.yieldLeadership()) counters[WAKE_UPS]!++;
    return this.#follow(true);
  }

  #doOwnWork(): number {
    this.#leadFirst = true;
    return this.#turn.doOwnWork();
  }

  // ---- following ---------------------------------------------------------------------------------------------------------

  /** @param defers to the hosts: see ThreadSet.park */
  #follow(defers: boolean): number {
    const turn = this.#turn;
    const { threadSet, loop, counters, recorder, engagement } = this.#member;
    const timeoutMs = loop.timeoutMs();
    if (timeoutMs === 0) return turn.returnToLoop();
    // Not the recorder's reading: a thread that defers changes no state, and would take its last I/O for recent for ever.
    const staleMs = engagement.publish(nowMicros(), timeoutMs);
    this.#parked = true;
    turn.rests();
    counters[PARKS]!++;
    this.#promoted = threadSet.park(
      turn.mustWake,
      turn.sleep,
      Math.min(timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs, staleMs),
      defers,
    );
    recorder.waited();
    return turn.loopIsDue && !this.#promoted ? turn.returnToLoop() : NEXT_STEP;
  }
}
