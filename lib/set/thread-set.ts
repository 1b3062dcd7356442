/**
 * The thread set: who leads.
 *
 * LEADER is the lock of the handle set: only its holder waits for events and takes from the ready list. It names its
 * holder, so that it can be taken from a dead thread. Any thread vacates it before it runs a handler; any thread
 * that has nothing else to do tries for it and parks when it is taken.
 *
 *   join()               CAS LEADER 0 → me
 *   promoteNewLeader()   LEADER := 0, then wake one follower, unless one is on its way
 *   park()               sleeps unless LEADER is vacant, after its bit is set
 *
 * Nothing is lost: a leader that vacates either sees the parked thread's bit (and wakes it), or the thread sees the
 * vacancy; both are sequentially consistent. The thread that finishes processing races the woken one and often wins
 * leadership back, which saves the switch.
 */
import { LEADER, STATE, threadArea } from '../memory/layout.js';
import type { LoopWait, ParkingLot } from './parking-lot.js';
import { DEAD, FOLLOWER, LEADER_STATE, PROCESSING } from './thread-state.js';
import type { Transitions } from './transitions.js';

export class ThreadSet {
  readonly #words: Int32Array;
  readonly #lot: ParkingLot;
  readonly #transitions: Transitions;
  readonly #stateWord: number;
  #state = FOLLOWER;

  constructor(
    control: SharedArrayBuffer,
    readonly self: number,
    lot: ParkingLot,
    transitions: Transitions,
  ) {
    this.#words = new Int32Array(control);
    this.#lot = lot;
    this.#transitions = transitions;
    this.#stateWord = threadArea(self) + STATE;
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
    if (Atomics.load(this.#words, LEADER) !== 0) return false;
    if (Atomics.compareExchange(this.#words, LEADER, 0, this.self + 1) !== 0) return false;
    this.#transition(LEADER_STATE);
    return true;
  }

  /**
   * Gives leadership up to process an event, and sees to it that somebody takes it.
   *
   * @returns whether a follower had to be woken
   */
  promoteNewLeader(): boolean {
    if (this.#state !== LEADER_STATE) throw new Error('only the leader can promote');
    this.#transition(PROCESSING);
    Atomics.store(this.#words, LEADER, 0);
    return this.#lot.wakeOne();
  }

  /** A follower begins to process what is its own: a hand-off, or work of its own event loop. */
  process(): void {
    this.#transition(PROCESSING);
  }

  /**
   * Parks the calling thread, which did not become leader, until it is woken.
   *
   * @param hasWork whether something came for this thread alone, which is reason to stay up
   * @param sleep see ParkingLot.park
   * @returns whether a promotion woke it
   */
  park(hasWork: () => boolean, sleep: number | LoopWait): boolean {
    this.#transition(FOLLOWER);
    return this.#lot.park(this.self, () => Atomics.load(this.#words, LEADER) === 0 || hasWork(), sleep);
  }

  /** The thread leaves the set for good. */
  leave(): void {
    const led = this.#state === LEADER_STATE;
    this.#transition(DEAD);
    if (!led) return;
    Atomics.store(this.#words, LEADER, 0);
    this.#lot.wakeOne();
  }

  /** The one seam through which every change of state goes. */
  #transition(to: number): void {
    const from = this.#state;
    if (from === to) return;
    this.#state = to;
    Atomics.store(this.#words, this.#stateWord, to);
    this.#transitions.record(from, to);
  }
}

/** Takes leadership from a thread that died holding it. @returns whether it held it */
export function revokeLeadership(control: SharedArrayBuffer, dead: number): boolean {
  return Atomics.compareExchange(new Int32Array(control), LEADER, dead + 1, 0) === dead + 1;
}
