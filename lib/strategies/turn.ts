/**
 * The seam between a thread and the concurrency model that it runs.
 *
 * A thread takes its turns in thread/worker-loop.ts: it returns to its event loop, does its own work, dispatches events and leaves the set
 * in the same way in every model. What it does in a step of a turn is its *strategy*, one file of this folder each: whether it waits for
 * events, what it does with one, and what it does when there is none.
 *
 * A strategy keeps to these rules, whatever the model:
 *
 * - Before it blocks it looks for own work and for the end of the set, both by atomics (`mustWake`), and it blocks for no longer than its
 *   event loop allows (`loop.timeoutMs()`, 0 for not at all), on the loop's descriptor as well.
 * - It returns RETURN_TO_LOOP once a turn has reached its bounds (`isFull`, `wasLong`).
 * - It alternates between own work and events, so that neither without end delays the other for ever.
 */
import type { HoldMeter } from '../connection/hold-meter.js';
import type { Engagement } from '../set/engagement.js';
import type { HandleSet } from '../set/handle-set.js';
import type { Mailbox } from '../set/mailbox.js';
import type { ParkingLot, Sleep } from '../set/parking-lot.js';
import type { Recorder } from '../set/recorder.js';
import type { ThreadSet } from '../set/thread-set.js';
import type { EventLoop } from '../sys/event-loop.js';

/** How a step of a turn ended. */
export const NEXT_STEP = 0;
export const RETURN_TO_LOOP = 1;
export const LEAVE_SET = 2;

/** What a thread takes part in its set with. */
export interface Membership {
  readonly self: number;
  readonly control: SharedArrayBuffer;
  readonly threadSet: ThreadSet;
  readonly handles: HandleSet;
  readonly lot: ParkingLot;
  readonly loop: EventLoop;
  readonly engagement: Engagement;
  readonly counters: Int32Array;
  readonly recorder: Recorder;
  readonly holds: HoldMeter;
}

/** A thread's turn, as its strategy uses it. */
export interface Turn {
  readonly member: Membership;

  /** Whether the turn has processed as many events as it may. */
  isFull(): boolean;
  /** Whether handlers have used up the turn's time. To be asked after a change of state, which has read the clock. */
  wasLong(): boolean;
  /** Whether the set stops. By a plain load: a hint. */
  isStopping(): boolean;
  /** The same, by an atomic load. */
  mustLeave(): boolean;

  /** Whether there is own work (thread/own-work.ts). By plain loads: a hint. */
  hasOwnWorkHint(): boolean;
  /** The same by atomics: to be asked before the thread waits. */
  hasOwnWork(): boolean;
  /** Whether the oldest of it is a connection that was handed over. By plain loads: a hint. */
  hasHandOverHint(): boolean;
  /** Does a portion of own work. @returns how the step ends */
  doOwnWork(): number;

  /** Whether the handle's events are handled now, as they take bounded time and no user code. The thread is inside the handle. */
  handlesInline(fd: number): boolean;
  /** The thread is about to process events of the handle. To be called before others can learn that it no longer waits. */
  entered(fd: number): void;
  /** The thread begins to process: from here on `wasLong` counts. */
  beginsProcessing(): void;
  /** How long the thread has been processing, until `now` by sys/clock.ts; 0 if it has not. */
  processingMicros(now: number): number;
  /** Processes events of a handle that the thread is inside. */
  process(fd: number, events: number): void;
  /** The mailbox of a thread, for the one that hands events off to it. */
  mailboxOf(thread: number): Mailbox;
  /** Has the event of a bound handle processed by the thread that it is bound to. */
  handOff(fd: number, generation: number, owner: number): void;

  /**
   * Blocks the thread until the handle set has events or its own loop has work.
   *
   * @param maxMs at most so long. Default: as long as its loop allows
   * @returns false when its own loop has to run
   */
  waitForEvents(maxMs?: number): boolean;
  /** The thread is about to sleep, or to find a reason not to. */
  rests(): void;
  /** Whether a thread must not sleep, for one of the reasons above: own work, the end of the set. By atomics. */
  readonly mustWake: () => boolean;
  /** Sleeps at the doorbell, beside the thread's own loop; afterwards `loopIsDue` says whether the loop ended it. */
  readonly sleep: Sleep;
  readonly loopIsDue: boolean;
  /** The thread goes to its event loop, as one that processes. @returns how the step ends */
  returnToLoop(): number;
}

/** What one thread does in a concurrency model. */
export interface Strategy {
  /** Does one step of a turn. @returns NEXT_STEP, RETURN_TO_LOOP or LEAVE_SET */
  step(): number;
}
