/**
 * How a thread lives: in turns. A turn takes the thread through the states of set/thread-state.ts (leads, promotes,
 * processes, parks) until its own event loop has to run; then it returns to the loop and asks for the next turn by a
 * message to itself. (A turn in a setImmediate callback could not wait: inside of those libuv cannot tell how long the
 * loop has time. A message sent from a message's own callback would be delivered without a pass through the loop, so
 * it is sent from an immediate.)
 *
 *   turn: ┌▶ own work? ──▶ process it ─────────────────────────────────────────┐
 *         │  join ──▶ leads: take an event ──▶ promote ──▶ process ────────────┤
 *         │             │ hand-off: to its thread, goes on leading             │
 *         │             └ none: wait in the kernel ─── own loop due ─▶ promote ─▶ return to the loop
 *         │  else park ─────────────────────────────── own loop due ───────────▶ return to the loop
 *         └──────────────────── enough events ─────────────────────────────────┘ ───▶ return to the loop
 *
 * User code runs only between promoteNewLeader (or as a follower) and the next join, so no handler, no timer and no
 * promise reaction ever keeps the others from the handle set. A thread never blocks before its own microtasks have run
 * and its loop has said how long it may.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type Deferred, type EventHandler, TIMER } from '../handlers/event-handler.js';
import {
  EVENTS,
  HAND_OFFS,
  KERNEL_POLLS,
  KERNEL_WAITS,
  LEADERSHIPS,
  LOOP_PASSES,
  PARKS,
  PARKS_IN_LOOP,
  PROMOTIONS,
  RECLAIMS,
  WAKE_UPS,
} from '../memory/counters.js';
import { CURRENT_FD, SET_STATE, SET_STOPPING, threadArea } from '../memory/layout.js';
import { EVENTS_READY, type HandleSet, LOOP_READY } from '../set/handle-set.js';
import { ENTERED, eventBits, HAND_OFF } from '../set/handle-table.js';
import { Mailbox } from '../set/mailbox.js';
import type { ParkingLot, Sleep } from '../set/parking-lot.js';
import type { Recorder } from '../set/recorder.js';
import type { ThreadSet } from '../set/thread-set.js';
import { drainEventCounter } from '../sys/descriptor.js';
import { POLL_FIRST, POLL_SECOND, pollTwo } from '../sys/epoll.js';
import type { EventLoop } from '../sys/event-loop.js';

/**
 * Events processed before the thread's own loop runs once. A pass costs about 2 µs; 32 hello-world requests take
 * 200 µs, which is what a timer may be late under load for this reason.
 */
const EVENTS_A_TURN = 32;

/** How a step of a turn ended. */
const GO_ON = 0;
const TO_LOOP = 1;
const LEAVE = 2;

export interface TurnsParts {
  readonly self: number;
  readonly control: SharedArrayBuffer;
  readonly threadSet: ThreadSet;
  readonly handles: HandleSet;
  readonly lot: ParkingLot;
  readonly loop: EventLoop;
  readonly counters: Int32Array;
  readonly recorder: Recorder;
  /** This thread's own, readable when it is woken from PARKED_IN_LOOP. */
  readonly doorbell: number;
  /** By the numbers of handlers/event-handler.ts. */
  readonly eventHandlers: readonly (EventHandler | undefined)[];
  readonly drainTicks: () => void;
  /** The set stops: the thread has left it. */
  readonly onLeave: () => void;
}

export class Turns {
  readonly #parts: TurnsParts;
  readonly #words: Int32Array;
  readonly #area: number;
  readonly #mailbox: Mailbox;
  readonly #mailboxes: Mailbox[] = [];
  readonly #here: MessagePort;
  readonly #there: MessagePort;
  readonly #post = (): void => this.#there.postMessage(0);
  readonly #sleepInCell: Sleep;
  readonly #sleepBesideLoop: Sleep;
  /** The thread's own loop was what ended the last sleep beside it. */
  #loopDue = false;
  #deferred: Deferred[] = [];
  /** A promotion woke this thread: others count on it to try for leadership before anything else. */
  #promoted = false;
  /** It has parked since it last led. */
  #parked = true;
  #events = 0;

  constructor(parts: TurnsParts) {
    this.#parts = parts;
    this.#words = new Int32Array(parts.control);
    this.#area = threadArea(parts.self);
    this.#mailbox = this.#mailboxOf(parts.self);
    const { port1, port2 } = new MessageChannel();
    this.#here = port1;
    this.#there = port2;
    this.#words[this.#area + CURRENT_FD] = -1;
    const { lot, loop, doorbell, self } = parts;
    this.#sleepInCell = { inLoop: false, sleep: (seen, timeoutMs) => lot.sleep(self, seen, timeoutMs) };
    this.#sleepBesideLoop = {
      inLoop: true,
      sleep: (_seen, timeoutMs) => {
        const woken = pollTwo(doorbell, loop.backendFd, timeoutMs === Infinity ? -1 : Math.ceil(timeoutMs));
        if (woken & POLL_FIRST) drainEventCounter(doorbell);
        this.#loopDue = (woken & POLL_SECOND) !== 0;
        return woken !== 0;
      },
    };
  }

  /** Begins the first turn as soon as the loop runs. */
  start(): void {
    this.#here.on('message', () => this.#turn());
    this.#nextTurn();
  }

  /** See ThreadContext.defer. */
  defer(work: Deferred): void {
    this.#deferred.push(work);
  }

  #nextTurn(): void {
    setImmediate(this.#post);
  }

  #turn(): void {
    const { counters, recorder } = this.#parts;
    counters[LOOP_PASSES]!++;
    recorder.turnBegan();
    this.#events = 0;
    let end = TO_LOOP;
    try {
      do {
        end = this.#step();
      } while (end === GO_ON);
    } finally {
      // Also when user code's tick threw and the app handles uncaught exceptions itself.
      if (end !== LEAVE) {
        recorder.turnEnds();
        this.#nextTurn();
      }
    }
    if (end === LEAVE) this.#leave();
  }

  #step(): number {
    const { threadSet } = this.#parts;
    // A plain look: before it sleeps in any way, the thread looks again by Atomics.
    if (this.#words[SET_STATE] === SET_STOPPING) return LEAVE;
    if (this.#events >= EVENTS_A_TURN && !this.#promoted) return TO_LOOP;
    if (!this.#promoted && (this.#deferred.length > 0 || this.#mailbox.seemsWaiting()))
      return this.#ownWork();
    this.#promoted = false;
    if (!threadSet.join()) {
      // Somebody leads, so nobody counts on this thread any more: what is its own comes first.
      if (this.#hasWork()) return this.#ownWork();
      return this.#loopDue ? this.#backToLoop() : this.#follow();
    }
    this.#parts.counters[LEADERSHIPS]!++;
    if (!this.#parked) this.#parts.counters[RECLAIMS]!++;
    this.#parked = false;
    return this.#lead();
  }

  // ---- leading -----------------------------------------------------------------------------------------------------------

  #lead(): number {
    const { handles, counters, recorder } = this.#parts;
    for (;;) {
      if (handles.ready.take()) {
        if (this.#claim()) return GO_ON;
        continue;
      }
      // Own work came up since the last look, or others counted on this thread to lead first.
      if (this.#hasWork()) {
        this.#promote();
        return this.#ownWork();
      }
      counters[KERNEL_POLLS]!++;
      if (handles.ready.refill() > 0) {
        recorder.refilled();
        continue;
      }
      if (Atomics.load(this.#words, SET_STATE) === SET_STOPPING) return LEAVE;
      if (!this.#waitForEvents()) {
        this.#promote();
        return TO_LOOP;
      }
    }
  }

  /** Blocks in the kernel. @returns false when the thread's own loop has to run first */
  #waitForEvents(): boolean {
    const { handles, loop, counters, recorder } = this.#parts;
    const timeoutMs = loop.timeoutMs();
    if (timeoutMs === 0) return false;
    counters[KERNEL_WAITS]!++;
    const woken = handles.waitForEvent(loop.backendFd, timeoutMs);
    recorder.waited();
    return (woken & LOOP_READY) === 0 && (woken & EVENTS_READY) !== 0;
  }

  /** Has the event just taken processed. @returns whether this thread did it, and leads no longer */
  #claim(): boolean {
    const { handles, self, lot, counters } = this.#parts;
    const { ready, table } = handles;
    const { fd, generation } = ready;
    const events = eventBits(ready.events);
    switch (table.claim(fd, generation, events, self)) {
      case ENTERED:
        if (this.#glances(fd)) return false;
        this.#promote();
        this.#process(fd, events);
        return true;
      case HAND_OFF: {
        const owner = table.handOffTo;
        counters[HAND_OFFS]!++;
        this.#mailboxOf(owner).put(fd, generation);
        if (owner !== self) lot.wake(owner);
        return false;
      }
      default:
        return false;
    }
  }

  /** @returns whether the event was one that is done with while leading */
  #glances(fd: number): boolean {
    const { eventHandlers, handles, counters } = this.#parts;
    const kind = handles.table.kind(fd);
    if (kind !== TIMER || !eventHandlers[TIMER]!.glance!(fd)) return false;
    counters[EVENTS]!++;
    return true;
  }

  #promote(): void {
    this.#parts.counters[PROMOTIONS]!++;
    if (this.#parts.threadSet.promoteNewLeader()) this.#parts.counters[WAKE_UPS]!++;
  }

  // ---- processing --------------------------------------------------------------------------------------------------------

  #process(fd: number, events: number): void {
    const { eventHandlers, handles, counters, drainTicks } = this.#parts;
    counters[EVENTS]!++;
    this.#events++;
    this.#words[this.#area + CURRENT_FD] = fd;
    eventHandlers[handles.table.kind(fd)]!.handleEvent(fd, events);
    drainTicks();
    this.#words[this.#area + CURRENT_FD] = -1;
  }

  #hasWork(): boolean {
    return this.#deferred.length > 0 || this.#mailbox.waiting();
  }

  /** Work that only this thread can do: hand-offs, and what was put off until user code was over. */
  #ownWork(): number {
    const { handles, drainTicks, threadSet } = this.#parts;
    threadSet.process();
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const work of deferred) {
      this.#events++;
      work.proceed();
    }
    while (this.#mailbox.take()) this.#takeNoted(this.#mailbox.fd, this.#mailbox.generation);
    if (this.#mailbox.takeSweep()) {
      for (const handler of this.#parts.eventHandlers) {
        for (const fd of [...(handler?.bound?.() ?? [])]) this.#takeNoted(fd, handles.table.generation(fd));
      }
    }
    drainTicks();
    // What came up meanwhile takes its turn behind the others' events.
    return this.#deferred.length > 0 ? TO_LOOP : GO_ON;
  }

  #takeNoted(fd: number, generation: number): void {
    const { handles, self } = this.#parts;
    const events = handles.table.takeNoted(fd, generation, self);
    if (events !== 0) this.#process(fd, events);
  }

  // ---- following ---------------------------------------------------------------------------------------------------------

  #follow(): number {
    const { threadSet, loop, counters, recorder } = this.#parts;
    const timeoutMs = loop.timeoutMs();
    if (timeoutMs === 0) return this.#backToLoop();
    const hasWork = () => this.#hasWork() || Atomics.load(this.#words, SET_STATE) === SET_STOPPING;
    const limitMs = timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs;
    this.#parked = true;
    if (!this.#loopAlive()) {
      // What is left are timers without a reference; they are due after limitMs, and seen to in the next turn.
      counters[PARKS]!++;
      this.#promoted = threadSet.park(hasWork, this.#sleepInCell, limitMs);
      recorder.waited();
      return GO_ON;
    }
    counters[PARKS_IN_LOOP]!++;
    this.#loopDue = false;
    this.#promoted = threadSet.park(hasWork, this.#sleepBesideLoop, limitMs);
    recorder.waited();
    return this.#loopDue && !this.#promoted ? this.#backToLoop() : GO_ON;
  }

  /** Whether the loop has anything to serve but the port of the turns, and timers. */
  #loopAlive(): boolean {
    if (this.#parts.loop.watches()) return true;
    this.#here.unref();
    const alive = this.#parts.loop.alive();
    this.#here.ref();
    return alive;
  }

  #backToLoop(): number {
    this.#loopDue = false;
    this.#parts.threadSet.process();
    return TO_LOOP;
  }

  #leave(): void {
    this.#parts.threadSet.leave();
    this.#here.close();
    this.#parts.onLeave();
  }

  #mailboxOf(thread: number): Mailbox {
    this.#mailboxes[thread] ??= new Mailbox(this.#parts.control, thread);
    return this.#mailboxes[thread];
  }
}
