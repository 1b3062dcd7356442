/**
 * The follower on watch: the standby of the thread set.
 *
 * Waking a follower for each event costs more than most events do (5 to 28 µs against 7), and it is needed only if the
 * handler that follows turns out to be long. So the first follower that parks goes *on watch*: it sleeps in short intervals
 * and checks after each whether there is still a leader. While a follower is on watch, a leader that processes an event need
 * not wake anybody: after most handlers it is back in time, and otherwise the follower takes over after two intervals at most.
 *
 *   parks ─▶ on watch ─ check ─▶ LEADER vacant, nobody has led since the last check:  a stall   ─▶ takes over; UNTHROTTLED := 1000
 *              ▲  │        ├──▶ LEADER vacant, events have waited TRIAL_DELAY checks:  a backlog ─▶ takes over
 *              │  │        ├──▶ LEADER held, and nothing changed for some checks:      idle      ─▶ stands down, sleeps on
 *              └──┴────────┘
 *
 * With a backlog one more thread helps only if a core is free for it and handlers take longer than the contention that the
 * thread adds. So taking over is a trial: when that thread parks again it compares the rate of leaderships with the rate
 * before. If the rate did not grow by a tenth, TRIAL_DELAY doubles; if it did, TRIAL_DELAY falls to its minimum.
 * A thread that leaves ordinary events to the hosts (engagement.ts) begins no trial.
 *
 * Events that take longer than a wake-up is worth (event-cost.ts) are different: if others are in the list behind them, and a core is free,
 * the promotion wakes a follower, whoever is on watch.
 *
 * After a stall the next promotions, counted by UNTHROTTLED, wake a follower each, because long handlers rarely come alone.
 * Standing down and vacating leadership each write their own word and then read the other's, so either the follower sees the
 * vacancy, or the leader sees that nobody is on watch and wakes a follower. A thread that was on watch tries for leadership
 * before anything else, because a leader may have relied on it.
 */
import { EPOCH, LEADER, READY_END, READY_NEXT, TRIAL_DELAY, UNTHROTTLED, WATCH } from '../memory/layout.js';
import type { Engagement } from './engagement.js';

/**
 * The time between two checks. An event that comes right after a stall began waits for two of them at most; a follower on
 * watch wakes 2000 times a second, which is under 1 % of a core, and only while there is work. See docs/decisions/0005.
 */
export const WATCH_INTERVAL_MS = 0.5;
/** Bounds of TRIAL_DELAY in checks: 2 ms, and an eighth of a second. */
const MIN_TRIAL_DELAY = 4;
const MAX_TRIAL_DELAY = 256;
/** A trial pays if it took at least so long, and the rate of leaderships grew at least by this factor. */
const TRIAL_GAIN = 1.1;
const TRIAL_MS = 1;
/** Checks without any change of leadership after which the set is idle. */
const MAX_IDLE_CHECKS = 16;
/** Promotions that wake a follower after a stall, whoever is on watch: at 8000 events a second, an eighth of a second. */
const UNTHROTTLED_PROMOTIONS = 1000;

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
  #backlogTime = 0;
  /** Leaderships per millisecond before the trial, 0 for no trial; the epoch and time at which it began. */
  #rateBefore = 0;
  #trialEpoch = 0;
  #trialTime = 0;

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
      Atomics.store(words, UNTHROTTLED, UNTHROTTLED_PROMOTIONS);
      return TAKE_OVER;
    }
    // A hint only: these words belong to the leader.
    if (words[READY_NEXT] === words[READY_END]) {
      this.#backlogChecks = 0;
      return KEEP_WATCHING;
    }
    return !this.#engagement.leavesBacklog() && this.#beginsTrial(epoch) ? TAKE_OVER : KEEP_WATCHING;
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
   * @param wakeUpPays whether the event that is processed next takes so long that another thread could take the next one sooner
   */
  throttlesWakeUp(wakeUpPays: boolean): boolean {
    const words = this.#words;
    // Hints only: the ready list belongs to the next leader by now.
    if (wakeUpPays && words[READY_NEXT] !== words[READY_END] && !this.#engagement.leavesOthersParked())
      return false;
    if (words[UNTHROTTLED]! > 0) {
      Atomics.sub(words, UNTHROTTLED, 1);
      if (!this.#engagement.leavesOthersParked()) return false;
    }
    return Atomics.load(words, WATCH) !== 0;
  }
}
