/**
 * The thread that waits for events in models with a request queue: it takes what is ready and puts it into the queue, or gives it to the thread
 * that has the handle. It runs no handler of a connection, and holds LEADER, the lock of the handle set, as long as it lives.
 */
import { isConnection, TIMER } from '../connection/event-handler.js';
import { LEADERSHIPS, PARKS, WAKE_UPS } from '../memory/counters.js';
import { ENTERED, eventBits, HAND_OFF, QUEUES } from '../set/handle-table.js';
import { QueueWakeUps } from '../set/queue-wake-ups.js';
import { RequestQueue } from '../set/request-queue.js';
import { ASK_AGAIN, EVENT, nextEvent, OWN_WORK } from './demultiplexer.js';
import { LEAVE_SET, type Membership, NEXT_STEP, type Strategy, type Turn } from './turn.js';

/** Events after which the I/O thread's own loop runs: some 200 µs, as the 32 that a worker processes in a turn. */
const MAX_EVENTS_PER_TURN = 256;

export class IoThread implements Strategy {
  readonly #turn: Turn;
  readonly #member: Membership;
  readonly #queue: RequestQueue;
  readonly #wakeUps: QueueWakeUps;
  /** It has just done own work: it looks for events before it does more. */
  #waitFirst = false;
  /** Events since its own loop has run. */
  #events = 0;

  constructor(turn: Turn) {
    const { control, self, lot } = turn.member;
    this.#turn = turn;
    this.#member = turn.member;
    this.#queue = new RequestQueue(control, self);
    this.#wakeUps = new QueueWakeUps(control, lot, this.#queue);
  }

  step(): number {
    const turn = this.#turn;
    const { threadSet, holds, recorder, counters } = this.#member;
    if (turn.isStopping()) return LEAVE_SET;
    if (turn.isFull() || this.#events >= MAX_EVENTS_PER_TURN) return this.#returnToLoop();
    if (!this.#waitFirst && turn.hasOwnWorkHint()) return this.#doOwnWork();
    threadSet.waitForAll();
    holds.end(recorder.micros);
    counters[LEADERSHIPS]!++;
    if (turn.wasLong()) return this.#returnToLoop();
    this.#waitFirst = false;
    return this.#queueEvents();
  }

  #queueEvents(): number {
    const turn = this.#turn;
    const { threadSet } = this.#member;
    while (this.#events < MAX_EVENTS_PER_TURN) {
      // What it does with events is its work; how long they have waited is known once a worker takes them.
      threadSet.process();
      this.#events += this.operate();
      if (!this.#queue.hasRoom()) return this.#awaitRoom();
      switch (nextEvent(turn, this.#wakeUps.maxWaitMs(), this)) {
        case EVENT:
          this.#events++;
          if (this.#route()) return NEXT_STEP;
          break;
        case ASK_AGAIN:
          this.#lookForStall();
          break;
        case OWN_WORK:
          return this.#doOwnWork();
        case LEAVE_SET:
          return LEAVE_SET;
        default:
          return this.#returnToLoop();
      }
    }
    return NEXT_STEP;
  }

  /** Passes the event just taken on. @returns whether this thread has processed it, so that it has to begin to wait again */
  #route(): boolean {
    const { handles } = this.#member;
    const { ready, table } = handles;
    const { fd, generation } = ready;
    const events = eventBits(ready.events);
    if (!isConnection(table.kind(fd))) return this.#handleOwn(fd, generation, events);
    this.ready(fd, generation, events);
    return false;
  }

  /** Does what workers have asked for. @returns how many events that counts as */
  protected operate(): number {
    return 0;
  }

  /** A connection of that generation is ready. */
  protected ready(fd: number, generation: number, events: number): void {
    this.report(fd, generation, events);
  }

  /** As Turn.waitForEvents. */
  waitForEvents(maxMs?: number): boolean {
    this.#member.threadSet.waitForAll();
    return this.#turn.waitForEvents(maxMs);
  }

  /** Whether it must not park although the queue is full. Called when those that would wake it can see that it parks. */
  protected mustOperate(): boolean {
    return false;
  }

  /** A tick of the timeouts has passed. */
  protected ticked(): void {}

  /**
   * Has the events of a connection processed: by any worker, or by the one that has it.
   *
   * @returns false when the queue is full, and nothing has become of them
   */
  protected report(fd: number, generation: number, events: number): boolean {
    const { table } = this.#member.handles;
    const routed = table.route(fd, generation, events);
    if (routed === QUEUES) return this.#put(fd, generation, events);
    if (routed === HAND_OFF) this.#turn.handOff(fd, generation, table.handOffTo);
    return true;
  }

  /** Handles of the set itself take bounded time, and no user code; except where connections are past their deadlines. */
  #handleOwn(fd: number, generation: number, events: number): boolean {
    const turn = this.#turn;
    const { handles, self, threadSet } = this.#member;
    const { table } = handles;
    if (table.claim(fd, generation, events, self) !== ENTERED) return false;
    const isTimer = table.kind(fd) === TIMER;
    if (isTimer) this.ticked();
    if (turn.handlesInline(fd)) return false;
    if (isTimer) {
      // Only this thread notes events of the timer, so it leaves at once.
      table.leave(fd);
      this.#put(fd, generation, events);
      return false;
    }
    turn.entered(fd);
    threadSet.process(true);
    turn.beginsProcessing();
    turn.process(fd, events);
    return true;
  }

  #put(fd: number, generation: number, events: number): boolean {
    const { counters, recorder } = this.#member;
    const length = this.#queue.put(fd, generation, events, recorder.micros);
    if (length > 0 && this.#wakeUps.put(length, recorder.micros)) counters[WAKE_UPS]!++;
    return length > 0;
  }

  #lookForStall(): void {
    const { counters, recorder } = this.#member;
    if (this.#wakeUps.check(recorder.refresh())) counters[WAKE_UPS]!++;
  }

  /** The queue is full: events stay in the ready list and in the kernel. */
  #awaitRoom(): number {
    const turn = this.#turn;
    const { threadSet, lot, loop, self, counters, recorder } = this.#member;
    if (turn.hasOwnWork()) return this.#doOwnWork();
    const timeoutMs = loop.timeoutMs();
    if (timeoutMs === 0) return this.#returnToLoop();
    this.#lookForStall();
    const maxMs = Math.min(timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs, this.#wakeUps.maxWaitMs());
    threadSet.idle();
    turn.rests();
    counters[PARKS]!++;
    this.#wakeUps.awaitRoom();
    lot.park(
      self,
      () => this.#wakeUps.hasRoom() || turn.mustWake() || this.mustOperate(),
      () => turn.sleep(maxMs),
    );
    this.#wakeUps.endWaitForRoom();
    recorder.waited();
    return turn.loopIsDue ? this.#returnToLoop() : NEXT_STEP;
  }

  #doOwnWork(): number {
    this.#waitFirst = true;
    this.#turn.beginsProcessing();
    return this.#turn.doOwnWork();
  }

  #returnToLoop(): number {
    this.#events = 0;
    return this.#turn.returnToLoop();
  }
}
