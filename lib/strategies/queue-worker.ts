/** The threads that take from the request queue, in models that have one: each processes what it takes, and may block meanwhile. */
import { PARKS, WAKE_UPS } from '../memory/counters.js';
import { ENTERED, HAND_OFF } from '../set/handle-table.js';
import { QueueWakeUps } from '../set/queue-wake-ups.js';
import { RequestQueue } from '../set/request-queue.js';
import { onlyLookedStalled } from './stall.js';
import { LEAVE_SET, type Membership, NEXT_STEP, type Strategy, type Turn } from './turn.js';

export class QueueWorker implements Strategy {
  readonly #turn: Turn;
  readonly #member: Membership;
  readonly #queue: RequestQueue;
  readonly #wakeUps: QueueWakeUps;
  readonly #mustStayAwake: () => boolean;
  /** It has just done own work: it looks into the queue before it does more. */
  #queueFirst = false;

  constructor(turn: Turn) {
    const { control, self, lot } = turn.member;
    this.#turn = turn;
    this.#member = turn.member;
    this.#queue = new RequestQueue(control, self);
    this.#wakeUps = new QueueWakeUps(control, lot, this.#queue);
    this.#mustStayAwake = () => this.#queue.hasEntry() || turn.mustWake();
  }

  step(): number {
    const turn = this.#turn;
    const { threadSet, holds, recorder } = this.#member;
    if (turn.isStopping()) return LEAVE_SET;
    if (turn.isFull()) return turn.returnToLoop();
    if (!this.#queueFirst && turn.hasOwnWorkHint()) return this.#doOwnWork();
    threadSet.idle();
    if (onlyLookedStalled(turn, recorder.micros)) this.#wakeUps.retractStall();
    holds.end(recorder.micros);
    if (turn.wasLong()) return turn.returnToLoop();
    this.#queueFirst = false;
    if (this.#queue.take()) return this.#processEntry();
    if (turn.hasOwnWork()) return this.#doOwnWork();
    return turn.loopIsDue ? turn.returnToLoop() : this.#park();
  }

  #processEntry(): number {
    const turn = this.#turn;
    const { handles, self } = this.#member;
    const { table } = handles;
    const { fd, generation, events } = this.#queue;
    this.#wakeUps.madeRoom();
    const claimed = table.claim(fd, generation, events, self);
    if (claimed === ENTERED) turn.entered(fd);
    // Another worker has bound it meanwhile. Only the I/O thread writes into mailboxes; any thread may ask for a sweep.
    else if (claimed === HAND_OFF) this.#requestSweep(table.handOffTo);
    this.#queue.settled();
    if (claimed === ENTERED) this.#process(fd, events);
    return NEXT_STEP;
  }

  #process(fd: number, events: number): void {
    const turn = this.#turn;
    const { threadSet, holds, recorder, counters } = this.#member;
    threadSet.process();
    recorder.tookEntry(this.#queue.micros);
    // While all cores are busy, a worker more is only in the way of those that are awake.
    const pays = threadSet.isWorthAWakeUp(this.#queue.length()) && !holds.coresAreTaken;
    if (pays && this.#wakeUps.leavesEntries()) counters[WAKE_UPS]!++;
    turn.beginsProcessing();
    turn.process(fd, events);
  }

  #requestSweep(owner: number): void {
    const { self, lot } = this.#member;
    this.#turn.mailboxOf(owner).requestSweep();
    if (owner !== self) lot.wake(owner);
  }

  #doOwnWork(): number {
    this.#queueFirst = true;
    this.#turn.beginsProcessing();
    return this.#turn.doOwnWork();
  }

  #park(): number {
    const turn = this.#turn;
    const { lot, loop, self, counters, recorder } = this.#member;
    const timeoutMs = loop.timeoutMs();
    if (timeoutMs === 0) return turn.returnToLoop();
    turn.rests();
    counters[PARKS]!++;
    lot.park(self, this.#mustStayAwake, () =>
      turn.sleep(timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs),
    );
    recorder.waited();
    return turn.loopIsDue ? turn.returnToLoop() : NEXT_STEP;
  }
}
