/**
 * The thread set: which thread leads.
 *
 * LEADER is the lock of the handle set: only its holder waits for events and takes from the ready list. It names its
 * holder, so that it can be revoked from a dead thread. A thread vacates it before it runs a handler; a thread
 * that has nothing else to do tries for it, and parks when it is taken.
 *
 *   join()               CAS LEADER 0 → me
 *   promoteNewLeader()   LEADER := 0, then wake one follower, unless one is on its way or on watch
 *   yieldLeadership()    LEADER := 0, then wakes a host; park() follows
 *   park()               goes on watch if nobody is, sets its bit, and sleeps unless LEADER is vacant
 *
 * No wake-up is lost: either the leader that vacates sees the parked thread's bit (and wakes it), or the thread sees the
 * vacancy; both are sequentially consistent. The thread that finishes processing races the woken one and often wins
 * leadership back, which saves the switch. set/watch.ts explains what being on watch means.
 */
import { EPOCH, LEADER, READY_END, READY_NEXT, STATE, threadArea, WATCH } from '../memory/layout.js';
import { nowMicros } from '../sys/clock.js';
import type { Engagement } from './engagement.js';
import { EventCost } from './event-cost.js';
import type { ParkingLot, Sleep } from './parking-lot.js';
import { Recorder, recordRevocation } from './recorder.js';
import { DEAD, FOLLOWER, LEADER_STATE, PROCESSING } from './thread-state.js';
import { KEEP_WATCHING, TAKE_OVER, Watch } from './watch.js';

/**
 * Loads of LEADER before a thread gives up joining while events are in the list: some 2 µs, three times what a leader needs to
 * take the next event, and a fifth of what parking and being woken costs.
 */
const MAX_JOIN_SPINS = 200;

export class ThreadSet {
  readonly #words: Int32Array;
  readonly #lot: ParkingLot;
  readonly #recorder: Recorder;
  readonly #stateWord: number;
  readonly #engagement: Engagement;
  readonly #watch: Watch;
  readonly #eventCost = new EventCost();
  #state = FOLLOWER;

  constructor(
    control: SharedArrayBuffer,
    readonly self: number,
    lot: ParkingLot,
    recorder: Recorder,
    engagement: Engagement,
  ) {
    this.#words = new Int32Array(control);
    this.#lot = lot;
    this.#recorder = recorder;
    this.#stateWord = threadArea(self) + STATE;
    this.#engagement = engagement;
    this.#watch = new Watch(control, self, engagement);
    this.#state = Atomics.load(this.#words, this.#stateWord);
    this.#transition(FOLLOWER);
  }

  /** Whether this thread leads. */
  get leading(): boolean {
    return this.#state === LEADER_STATE;
  }

  /** Tries to become the leader. The calling thread is a follower or has just finished processing. */
  join(): boolean {
    if (this.#state === LEADER_STATE) throw new Error('the leader cannot join');
    const words = this.#words;
    for (let spins = 0; spins < MAX_JOIN_SPINS; spins++) {
      if (
        Atomics.load(words, LEADER) === 0 &&
        Atomics.compareExchange(words, LEADER, 0, this.self + 1) === 0
      ) {
        words[EPOCH] = (words[EPOCH]! + 1) | 0;
        this.#transition(LEADER_STATE);
        this.#engagement.leads(this.#recorder.micros);
        return true;
      }
      // A hint only: these words belong to the leader.
      if (words[READY_NEXT] === words[READY_END]) return false;
    }
    return false;
  }

  /**
   * Vacates leadership before processing an event, and makes sure that another thread takes it.
   *
   * @param tookEvent whether the leader has taken an event, which has waited in the ready list until now
   * @param coresAreTaken whether the system has more to run than it has cores: a thread more would wait for one
   * @returns whether a follower had to be woken
   */
  promoteNewLeader(tookEvent = true, coresAreTaken = false): boolean {
    if (this.#state !== LEADER_STATE) throw new Error('only the leader can promote');
    const words = this.#words;
    this.#transition(PROCESSING, tookEvent);
    const waiting = words[READY_END]! - words[READY_NEXT]!;
    Atomics.store(words, LEADER, 0);
    // While all cores are busy, a thread more is only in the way of those that are awake.
    const pays = this.#eventCost.isWorthAWakeUp(waiting) && !coresAreTaken && this.#lot.hasIdleCore();
    return !this.#watch.throttlesWakeUp(pays) && this.#lot.wakeOne();
  }

  /**
   * The leader vacates leadership for a host that is parked (engagement.ts), whoever is on watch. It parks next, and defers.
   *
   * @returns whether a follower had to be woken
   */
  yieldLeadership(): boolean {
    if (this.#state !== LEADER_STATE) throw new Error('only the leader can yield');
    this.#transition(FOLLOWER);
    Atomics.store(this.#words, LEADER, 0);
    return this.#lot.wakeOne();
  }

  /** This thread has processed for so long that a follower may have taken that for a stall, but the system did not run it. */
  retractStall(): void {
    this.#watch.retractStall();
  }

  /** Makes sure that another thread leads, if none does: the calling thread is about to block. */
  aboutToBlock(): void {
    if (Atomics.load(this.#words, LEADER) === 0) this.#lot.wakeOne();
  }

  /**
   * The one thread of the set that waits for events, in models where it never leaves that to another: it takes leadership where it has none,
   * keeps it while it processes, and begins to wait again.
   *
   * @throws Error when another thread holds it: a bug of ours, as recovery revokes leadership before it starts a replacement
   */
  waitForAll(): void {
    const words = this.#words;
    const own = this.self + 1;
    if (words[LEADER] !== own && Atomics.compareExchange(words, LEADER, 0, own) !== 0)
      throw new Error('another thread waits for the events of this set');
    words[EPOCH] = (words[EPOCH]! + 1) | 0;
    this.#transition(LEADER_STATE);
  }

  /** The thread waits for the events of a handle set of its own, which nobody else does: there is no lock to take. */
  waitForOwn(): void {
    this.#transition(LEADER_STATE);
  }

  /** The thread waits for another one, and is parked next: in models where followers do not become leaders. */
  idle(): void {
    this.#transition(FOLLOWER);
  }

  /** Whether events of this thread take so long that waking another one for those that wait is worth it (event-cost.ts). */
  isWorthAWakeUp(waiting: number): boolean {
    return this.#eventCost.isWorthAWakeUp(waiting);
  }

  /**
   * A follower begins to process its own work: a hand-off, deferred work, or its own event loop. In models with one thread that waits, that
   * thread begins to process.
   *
   * @param tookEvent whether a thread that waited has taken an event, which has waited in the ready list until now
   */
  process(tookEvent = false): void {
    this.#transition(PROCESSING, tookEvent);
  }

  /**
   * Parks the calling thread, which did not become leader, until it is woken, its time is up, or, on watch, it takes over.
   *
   * @param hasWork whether there is work that only this thread can do: a reason to stay awake
   * @param sleep how it sleeps
   * @param timeoutMs until the thread's own next timer; Infinity for none
   * @param defers to the hosts: that LEADER is vacant is no reason to stay awake while a wake-up is in flight or a thread is on watch
   * @returns whether others rely on it to try for leadership before anything else
   */
  park(hasWork: () => boolean, sleep: Sleep, timeoutMs: number, defers = false): boolean {
    this.#transition(FOLLOWER);
    const onWatch = this.#watch.begin();
    // The thread that a wake-up names tries to lead, or its waker looks for a candidate again and then sees this thread's bit. The
    // thread on watch, which may be this one, takes over after two intervals at most.
    const isNeeded = () =>
      Atomics.load(this.#words, LEADER) === 0 &&
      !(defers && (this.#lot.wakeUpInFlight() || Atomics.load(this.#words, WATCH) !== 0));
    const mustStayAwake = () => isNeeded() || hasWork();
    let relied = false;
    const promoted = this.#lot.park(this.self, mustStayAwake, () => {
      if (onWatch) relied = this.#keepWatch(sleep, timeoutMs);
      else sleep(timeoutMs);
    });
    if (this.#watch.end()) relied = true;
    return promoted || relied;
  }

  /**
   * Sleeps in the watch's intervals, with a check after each.
   *
   * @returns whether a leader may have relied on this thread although it is no longer on watch
   */
  #keepWatch(sleep: Sleep, timeoutMs: number): boolean {
    const end = performance.now() + timeoutMs;
    for (let rest = timeoutMs; rest > 0; rest = end - performance.now()) {
      if (sleep(Math.min(this.#watch.intervalMs(nowMicros()), rest))) return false;
      const decision = this.#watch.check();
      if (decision === KEEP_WATCHING) continue;
      if (decision === TAKE_OVER) return false;
      this.#watch.end();
      // LEADER may have been vacated while this thread was still on watch (found by the model: the thread would turn to its
      // own work first, and nobody would lead).
      if (Atomics.load(this.#words, LEADER) === 0) return true;
      sleep(Math.max(end - performance.now(), 0));
      return false;
    }
    return false;
  }

  /** The thread leaves the set for good. */
  leave(): void {
    this.#transition(DEAD);
    const own = this.self + 1;
    if (Atomics.compareExchange(this.#words, LEADER, own, 0) === own) this.#lot.wakeOne();
  }

  /** The one seam through which every change of state goes. */
  #transition(to: number, tookEvent = false): void {
    const from = this.#state;
    if (from === to) return;
    this.#state = to;
    this.#words[this.#stateWord] = to;
    this.#recorder.transition(from, to, tookEvent);
    if (from === PROCESSING) this.#eventCost.ended(this.#recorder.micros);
    else if (to === PROCESSING) this.#eventCost.began(this.#recorder.micros);
  }
}

/** Changes the state of a thread that is dead or has not begun yet, in its name. Only for the control plane. */
export function moveState(control: SharedArrayBuffer, thread: number, to: number): void {
  const words = new Int32Array(control);
  const from = Atomics.exchange(words, threadArea(thread) + STATE, to);
  if (from !== to) new Recorder(control, thread).transition(from, to);
}

/** Revokes leadership, or the watch, from a thread that died holding it. */
export function revokeLeadership(control: SharedArrayBuffer, dead: number): void {
  const words = new Int32Array(control);
  if (Atomics.load(words, LEADER) === dead + 1) recordRevocation(words, dead);
  Atomics.compareExchange(words, LEADER, dead + 1, 0);
  Atomics.compareExchange(words, WATCH, dead + 1, 0);
}
