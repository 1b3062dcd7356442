/**
 * The leader's part of a hand-over (http/hand-over.ts has the first): a thread has received a request and left its connection to be handed
 * over, either to a free thread, because the handler is known to block, or to a host, for which ordinary requests are (set/engagement.ts).
 * A leader that is such a thread itself processes the connection as any other event. Else it passes the connection on to one, and goes on
 * leading; where there is none, it processes the request itself.
 *
 * The handle is not bound to that thread: the entry in its mailbox asks it to enter the handle if that is idle. So whatever else
 * happens to the handle meanwhile is an event like any other, and if the entry is lost with its thread, a rescan brings the event back.
 */
import { HANDED_OVER, REPORTED, TO_HOST } from '../connection/flags.js';
import { RESCAN, STATE, threadArea } from '../memory/layout.js';
import type { Engagement } from '../set/engagement.js';
import { flagsOf, setFlag } from '../set/handle-record.js';
import type { HandleSet } from '../set/handle-set.js';
import type { Mailbox } from '../set/mailbox.js';
import type { ParkingLot } from '../set/parking-lot.js';
import type { Recorder } from '../set/recorder.js';
import { DEAD } from '../set/thread-state.js';

export interface HandOverParts {
  readonly control: SharedArrayBuffer;
  readonly handles: HandleSet;
  readonly lot: ParkingLot;
  readonly engagement: Engagement;
  readonly recorder: Recorder;
}

export class HandOver {
  readonly #parts: HandOverParts;
  readonly #words: Int32Array;
  readonly #mailboxOf: (thread: number) => Mailbox;

  constructor(parts: HandOverParts, mailboxOf: (thread: number) => Mailbox) {
    this.#parts = parts;
    this.#words = new Int32Array(parts.control);
    this.#mailboxOf = mailboxOf;
  }

  /**
   * To be called by the leader, which is inside the handle.
   *
   * @param events that it has entered the handle for
   * @returns whether it has left the handle to another thread
   */
  passesOn(fd: number, generation: number, events: number): boolean {
    const { lot, handles } = this.#parts;
    const { table } = handles;
    const flags = flagsOf(table, fd, HANDED_OVER);
    if (flags === 0 || !this.#shouldPassOn(flags)) return false;
    const target = flags === TO_HOST ? lot.claimHost() : lot.claimFree();
    if (target < 0) return false;
    const mailbox = this.#mailboxOf(target);
    setFlag(table, fd, events & REPORTED);
    const passes = table.leave(fd) === 0;
    if (passes) mailbox.put(fd, generation, true);
    // In any case: the thread is claimed.
    lot.ring(target);
    // Its mailbox may have been cleared before the entry came, and no thread may follow it (found by the model).
    if (passes && Atomics.load(this.#words, threadArea(target) + STATE) === DEAD)
      Atomics.store(this.#words, RESCAN, 1);
    return passes;
  }

  #shouldPassOn(flags: number): boolean {
    const { engagement, recorder } = this.#parts;
    return flags === TO_HOST ? !engagement.isHost : engagement.isEngaged(recorder.micros);
  }
}
