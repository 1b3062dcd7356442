/**
 * The follower on watch: the standby of the thread set.
 *
 * Waking a follower for each event costs more than most events do (5 to 28 µs against 7), and it is needed only if the
 * handler that follows turns out to be long. So the first follower that parks goes *on watch*: it sleeps in short intervals
 * and checks after each whether there is still a leader. While a follower is on watch, a leader that processes an event need
 * not wake anybody: after most handlers it is back in time, and otherwise the follower takes over after two intervals at most.
 *
 *   parks ─▶ on watch ─ check ─▶ LEADER vacant, nobody has led since the last check:  a stall   ─▶ takes over; UNTHROTTLED := 1000 or 32
 *              ▲  │        ├──▶ LEADER vacant, events have waited TRIAL_DELAY checks:  a backlog ─▶ takes over
 *              │  │        ├──▶ LEADER held, and nothing changed for some checks:      idle      ─▶ stands down, sleeps on
 *              └──┴────────┘
 *
 * Each check takes a core from another thread for a moment. So the intervals are short only while there are stalls: they grow with the time
 * since the last one (LONGEST_INTERVAL_MS).
 *
 * With a backlog one more thread helps only if a core is free for it and handlers take longer than the contention that the
 * thread adds. So taking over is a trial: when that thread parks again it compares the rate of leaderships with the rate
 * before. If the rate did not grow by a tenth, TRIAL_DELAY doubles; if it did, TRIAL_DELAY falls to its minimum.
 * A thread that leaves ordinary events to the hosts (engagement.ts) begins no trial.
 *
 * Long events (event-cost.ts) are different: if enough others are in the list behind them, and a core is free, the promotion wakes a follower,
 * whoever is on watch.
 *
 * After a stall the next promotions, counted by UNTHROTTLED, wake a follower each, because long handlers rarely come alone: 1000 of them if the
 * stall before was a short while ago, and a few if it was not, as with pauses of the garbage collector. A thread that finds that it was not
 * inside a long handler, but waited for a core, sets UNTHROTTLED to 0, and takes back that there was a stall: on a machine that is busy with
 * other work that happens all the time, and threads that are woken for nothing make it busier.
 * Standing down and vacating leadership each write their own word and then read the other's, so either the follower sees the
 * vacancy, or the leader sees that nobody is on watch and wakes a follower. A thread that was on watch tries for leadership
 * before anything else, because a leader may have relied on it.
 */
import {
  EPOCH,
  LEADER,
  READY_END,
  READY_NEXT,
  STALLED_AT,
  STALLED_EPOCH,
  TRIAL_DELAY,
  UNTHROTTLED,
  WATCH,
} from '../memory/layout.js';
import { NO_MICROS, nowMicros } from '../sys/clock.js';
import type { Engagement } from './engagement.js';

/**
 * The time between two checks while there are stalls. An event that comes right after one began waits for two intervals at most. See
 * docs/decisions/0005.
 */
export const WATCH_INTERVAL_MS = 0.5;
/** The time between two checks while there are none. Handlers of routes that are known to block do not rely on it: see ThreadSet.aboutToBlock. */
const LONGEST_INTERVAL_MS = 4;
/** The interval is this part of the time since the last stall: it is short for an eighth of a second, and longest after one second. */
const INTERVALS_SINCE_STALL = 256;
/** Bounds of TRIAL_DELAY in checks: 2 to 16 ms, and an eighth of a second to one second. */
const MIN_TRIAL_DELAY = 4;
const MAX_TRIAL_DELAY = 256;
/** A trial pays if it took at least so long, and the rate of leaderships grew at least by this factor. */
const TRIAL_GAIN = 1.1;
const TRIAL_MS = 1;
/** Checks without any change of leadership after which the set is idle. */
const MAX_IDLE_CHECKS = 16;
/** Promotions that wake a follower after a stall, whoever is on watch: at 8000 events a second, an eighth of a second. */
const UNTHROTTLED_PROMOTIONS = 1000;
/** The same after a stall that was the only one for so many events: one of them took long, if it was not a pause. */
const UNTHROTTLED_AFTER_RARE_STALL = 32;
const RARE_EVENTS = 4000;

/** How many promotions, or puts into the request queue, wake a thread each after a stall. @param events since the stall before */
export const unthrottledAfter = (events: number): number =>
  events > RARE_EVENTS ? UNTHROTTLED_AFTER_RARE_STALL : UNTHROTTLED_PROMOTIONS;

/** The results of `check`: what the follower on watch does next. */
export const KEEP_WATCHING = 0;
export const TAKE_OVER = 1;
export const STAND_DOWN = 2;

export class Watch {
  readonly #words: Int32Array;
  readonly #self: number;
  readonly #engagement: Engagement;
  #epoch = 0;
  #idleChecks = 0;
  #backlogChecks = 0;
  /** The epoch and time at which the backlog was first seen. */
  #backlogEpoch = 0;
  #backlogTime = NO_MICROS;
  /** Leaderships per millisecond before the trial, 0 for no trial; the epoch and time at which it began. */
  #rateBefore = NO_MICROS;
  #trialEpoch = 0;
  #trialTime = NO_MICROS;

  constructor(control: SharedArrayBuffer, self: number, engagement: Engagement) {
    this.#words = new Int32Array(control);
    this.#self = self;
    this.#engagement = engagement;
  }

  /** Goes on watch if nobody is. @returns whether the thread is on watch */
  begin(): boolean {
    if (this.#rateBefore > 0) this.#assess();
    if (Atomics.load(this.#words, WATCH) !== 0) return false;
    if (Atomics.compareExchange(this.#words, WATCH, 0, this.#self + 1) !== 0) return false;
    this.#epoch = Atomics.load(this.#words, EPOCH);
    this.#idleChecks = 0;
    this.#backlogChecks = 0;
    return true;
  }

  /** Leaves the watch. @returns whether the thread was on watch */
  end(): boolean {
    return Atomics.compareExchange(this.#words, WATCH, this.#self + 1, 0) === this.#self + 1;
  }

  /** Called after each interval. @returns KEEP_WATCHING, TAKE_OVER or STAND_DOWN */
  check(): number {
    const words = this.#words;
    const epoch = Atomics.load(words, EPOCH);
    const changed = epoch !== this.#epoch;
    this.#epoch = epoch;
    if (Atomics.load(words, LEADER) !== 0) {
      this.#idleChecks = changed ? 0 : this.#idleChecks + 1;
      return this.#idleChecks < MAX_IDLE_CHECKS ? KEEP_WATCHING : STAND_DOWN;
    }
    this.#idleChecks = 0;
    if (!changed) {
      this.#notesStall(epoch);
      return TAKE_OVER;
    }
    // A hint only: these words belong to the leader.
    if (words[READY_NEXT] === words[READY_END]) {
      this.#backlogChecks = 0;
      return KEEP_WATCHING;
    }
    return !this.#engagement.leavesBacklog() && this.#beginsTrial(epoch) ? TAKE_OVER : KEEP_WATCHING;
  }

  /** The time until the next check, in milliseconds. @param micros the present time by sys/clock.ts */
  intervalMs(micros: number): number {
    const sinceMs = (((micros | 0) - this.#words[STALLED_AT]!) >>> 0) / 1000;
    return Math.max(WATCH_INTERVAL_MS, Math.min(sinceMs / INTERVALS_SINCE_STALL, LONGEST_INTERVAL_MS));
  }

  #notesStall(epoch: number): void {
    const words = this.#words;
    const leaderships = (epoch - words[STALLED_EPOCH]!) >>> 0;
    words[STALLED_AT] = nowMicros() | 0;
    words[STALLED_EPOCH] = epoch;
    Atomics.store(words, UNTHROTTLED, unthrottledAfter(leaderships));
  }

  /** What was taken for a stall was a thread that the system did not run. */
  retractStall(): void {
    const words = this.#words;
    if (Atomics.load(words, UNTHROTTLED) === 0) return;
    Atomics.store(words, UNTHROTTLED, 0);
    words[STALLED_AT] = (nowMicros() | 0) - LONGEST_INTERVAL_MS * INTERVALS_SINCE_STALL * 1000;
  }

  /** Counts a check with a backlog. @returns whether there were enough for a trial, which then begins */
  #beginsTrial(epoch: number): boolean {
    const now = performance.now();
    if (this.#backlogChecks++ === 0) {
      this.#backlogEpoch = epoch;
      this.#backlogTime = now;
    }
    if (this.#backlogChecks < Math.max(Atomics.load(this.#words, TRIAL_DELAY), MIN_TRIAL_DELAY)) return false;
    this.#rateBefore = ((epoch - this.#backlogEpoch) | 0) / (now - this.#backlogTime);
    this.#trialEpoch = epoch;
    this.#trialTime = now;
    return true;
  }

  /** Ends the trial: adjusts TRIAL_DELAY by whether one more thread helped. */
  #assess(): void {
    const words = this.#words;
    const elapsedMs = performance.now() - this.#trialTime;
    const rate = ((Atomics.load(words, EPOCH) - this.#trialEpoch) | 0) / elapsedMs;
    const paid = elapsedMs >= TRIAL_MS && rate >= this.#rateBefore * TRIAL_GAIN;
    const delay = Math.max(Atomics.load(words, TRIAL_DELAY), MIN_TRIAL_DELAY);
    Atomics.store(words, TRIAL_DELAY, paid ? MIN_TRIAL_DELAY : Math.min(delay * 2, MAX_TRIAL_DELAY));
    this.#rateBefore = 0;
  }

  /**
   * Whether a promotion wakes nobody, because a follower is on watch. Called after leadership was vacated.
   *
   * @param wakeUpPays whether another thread would take the events that wait sooner than this one
   */
  throttlesWakeUp(wakeUpPays: boolean): boolean {
    const words = this.#words;
    if (wakeUpPays && !this.#engagement.leavesOthersParked()) return false;
    if (words[UNTHROTTLED]! > 0) {
      Atomics.sub(words, UNTHROTTLED, 1);
      if (!this.#engagement.leavesOthersParked()) return false;
    }
    return Atomics.load(words, WATCH) !== 0;
  }
}
