/**
 * The follower on watch.
 *
 * Waking a follower for each event costs more than most events do (5 to 28 µs against 7), and it is needed only if the
 * handler that follows turns out to be long. So the first follower that parks goes *on watch*: it sleeps in naps and looks
 * after each whether somebody still leads. While a follower is on watch, a leader that processes an event need not wake
 * anybody: it will be back after most handlers, and if it is not, the watch steps in after two naps at most.
 *
 *   parks ─▶ on watch ─ nap ─▶ LEADER is vacant, and nobody led since the last nap:  a stall   ─▶ steps in; EAGER := 1000
 *              ▲  │      ├──▶ LEADER is vacant, events have waited for PATIENCE naps:    a backlog ─▶ steps in
 *              │  │      ├──▶ LEADER is held, and nothing changed for some naps:     idle      ─▶ off watch, sleeps on
 *              └──┴──────┘
 *
 * Against a backlog one more thread helps only if a core is free for it and handlers are longer than the contention that
 * it brings. So it is a trial: when that thread parks again it compares how often leadership changed hands with how often
 * before. Where that did not grow by a tenth, PATIENCE doubles; where it did, PATIENCE is short again.
 *
 * After a stall the next EAGER promotions wake a follower each, as long handlers rarely come alone. Going off watch and
 * vacating leadership look at each other's word after writing their own, so either the follower sees the vacancy, or the
 * leader sees that nobody is on watch and wakes one. Whoever was on watch tries for leadership before anything else, because
 * a leader may have relied on it.
 */
import { EAGER, EPOCH, LEADER, PATIENCE, READY_END, READY_NEXT, WATCH } from '../memory/layout.js';

/**
 * The nap. An event that comes right after a stall began waits two of them at most; a follower on watch wakes 2000 times a
 * second, which is under 1 % of a core, and only while there is work. See docs/decisions/0005.
 */
export const NAP_MS = 0.5;
/** Bounds of PATIENCE in naps: 2 ms, and an eighth of a second. */
const MIN_PATIENCE = 4;
const MAX_PATIENCE = 256;
/** A trial pays when leaderships a millisecond grew to this much of what they were, over at least that long. */
const TRIAL_GAIN = 1.1;
const TRIAL_MS = 1;
/** Naps without any change of leadership, after which the set is idle. */
const IDLE_NAPS = 16;
/** Promotions that wake a follower after a stall: at 8000 events a second, an eighth of a second. */
const EAGER_PROMOTIONS = 1000;

/** What the follower on watch does after a nap. */
export const NAP_ON = 0;
export const STEP_IN = 1;
export const STAND_DOWN = 2;

export class Watch {
  readonly #words: Int32Array;
  readonly #self: number;
  #epoch = 0;
  #idleNaps = 0;
  #backlogNaps = 0;
  /** The epoch and time at which the backlog was seen first. */
  #backlogEpoch = 0;
  #backlogTime = 0;
  /** Leaderships a millisecond before this thread stepped in against a backlog, and since when; 0 for no trial. */
  #rateBefore = 0;
  #trialEpoch = 0;
  #trialTime = 0;

  constructor(control: SharedArrayBuffer, self: number) {
    this.#words = new Int32Array(control);
    this.#self = self;
  }

  /** Goes on watch if nobody is. */
  begin(): boolean {
    if (this.#rateBefore > 0) this.#assess();
    if (Atomics.load(this.#words, WATCH) !== 0) return false;
    if (Atomics.compareExchange(this.#words, WATCH, 0, this.#self + 1) !== 0) return false;
    this.#epoch = Atomics.load(this.#words, EPOCH);
    this.#idleNaps = 0;
    this.#backlogNaps = 0;
    return true;
  }

  /** Goes off watch. @returns whether it was on watch */
  end(): boolean {
    return Atomics.compareExchange(this.#words, WATCH, this.#self + 1, 0) === this.#self + 1;
  }

  /** Looks around after a nap. */
  look(): number {
    const words = this.#words;
    const epoch = Atomics.load(words, EPOCH);
    const changed = epoch !== this.#epoch;
    this.#epoch = epoch;
    if (Atomics.load(words, LEADER) !== 0) {
      this.#idleNaps = changed ? 0 : this.#idleNaps + 1;
      return this.#idleNaps < IDLE_NAPS ? NAP_ON : STAND_DOWN;
    }
    this.#idleNaps = 0;
    if (!changed) {
      Atomics.store(words, EAGER, EAGER_PROMOTIONS);
      return STEP_IN;
    }
    // A hint only: the list is the leader's.
    if (words[READY_NEXT] === words[READY_END]) {
      this.#backlogNaps = 0;
      return NAP_ON;
    }
    return this.#sawBacklog(epoch) ? STEP_IN : NAP_ON;
  }

  /** @returns whether it has lasted long enough for a trial, which begins then */
  #sawBacklog(epoch: number): boolean {
    const now = performance.now();
    if (this.#backlogNaps++ === 0) {
      this.#backlogEpoch = epoch;
      this.#backlogTime = now;
    }
    if (this.#backlogNaps < Math.max(Atomics.load(this.#words, PATIENCE), MIN_PATIENCE)) return false;
    this.#rateBefore = ((epoch - this.#backlogEpoch) | 0) / (now - this.#backlogTime);
    this.#trialEpoch = epoch;
    this.#trialTime = now;
    return true;
  }

  /** Did one more thread help? */
  #assess(): void {
    const words = this.#words;
    const elapsedMs = performance.now() - this.#trialTime;
    const rate = ((Atomics.load(words, EPOCH) - this.#trialEpoch) | 0) / elapsedMs;
    const paid = elapsedMs >= TRIAL_MS && rate >= this.#rateBefore * TRIAL_GAIN;
    const patience = Math.max(Atomics.load(words, PATIENCE), MIN_PATIENCE);
    Atomics.store(words, PATIENCE, paid ? MIN_PATIENCE : Math.min(patience * 2, MAX_PATIENCE));
    this.#rateBefore = 0;
  }

  /** Whether a leader may vacate leadership without waking anybody. Called after it has. */
  suffices(): boolean {
    if (this.#words[EAGER]! > 0) {
      Atomics.sub(this.#words, EAGER, 1);
      return false;
    }
    return Atomics.load(this.#words, WATCH) !== 0;
  }
}
