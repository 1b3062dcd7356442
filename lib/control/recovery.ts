/**
 * What the control plane does when a thread is dead, in this order:
 *
 * 1. Steps that it was in are completed: a connection that it had accepted and not yet put into the table is closed, and one that it
 *    was closing is counted. Open descriptors that may belong to no thread are looked for (strays.ts).
 *    The connections that it was inside, or that were bound to it, are closed: no other thread can continue them.
 *    A listening, wake-up or timer handle that it was inside is left on its behalf.
 *    Blocks of the pool that it had taken are returned.
 * 2. Events may be lost: those that it had taken from the kernel if it led, and a connection handed over to it if its mailbox was not empty.
 *    Then the next leader looks at every handle.
 *    Every thread looks at every handle bound to it, in case the dead one was about to hand an event off to it.
 * 3. Its leadership is revoked.
 * 4. It is taken out of the parking lot, and all threads are woken, because it may have been about to wake one.
 */
import { FIRST_ACCEPTED, NOTHING_ACCEPTED, PLACE_TAKEN } from '../connection/acceptor.js';
import { closeOrphan, FIRST_CLOSING, NOTHING_CLOSING } from '../connection/close.js';
import { ACCEPTOR, TIMER, WAKE_UP } from '../connection/event-handler.js';
import type { BlockPool } from '../memory/block-pool.js';
import { ACCEPTED, CLOSED, countersOf } from '../memory/counters.js';
import { ACCEPTING, CLOSING, CONNECTIONS, CURRENT_FD, LEADER, RESCAN, threadArea } from '../memory/layout.js';
import { releaseRoutes } from '../routes/route-table.js';
import { clearEngagement } from '../set/engagement.js';
import { savedBlock } from '../set/handle-record.js';
import type { HandleTable } from '../set/handle-table.js';
import { Mailbox } from '../set/mailbox.js';
import type { ParkingLot } from '../set/parking-lot.js';
import { moveState, revokeLeadership } from '../set/thread-set.js';
import { DEAD } from '../set/thread-state.js';
import { closeDescriptor } from '../sys/descriptor.js';
import type { Strays } from './strays.js';

/** Handles of the set itself: they are left, not closed. */
const OWN_KINDS = new Set([ACCEPTOR, WAKE_UP, TIMER]);

export interface SharedState {
  readonly control: SharedArrayBuffer;
  readonly routes: SharedArrayBuffer;
  readonly table: HandleTable;
  readonly pool: BlockPool;
  readonly lot: ParkingLot;
  readonly threads: number;
  readonly strays: Strays;
}

/**
 * Cleans up after a dead thread.
 *
 * @returns how many connections were closed that it was inside or that were bound to it
 */
export function recover(shared: SharedState, dead: number): number {
  const { control, lot, threads } = shared;
  const words = new Int32Array(control);
  moveState(control, dead, DEAD);
  words[threadArea(dead) + CURRENT_FD] = -1;
  if (new Mailbox(control, dead).clear()) Atomics.store(words, RESCAN, 1);
  completeAccept(shared, words, dead);
  completeClose(shared, words, dead);
  shared.strays.close();
  const lost = releaseHandles(shared, words, dead);
  shared.pool.reclaim(dead, savedChains(shared.table));
  if (Atomics.load(words, LEADER) === dead + 1) Atomics.store(words, RESCAN, 1);
  // Leading, or inside the timer handle, it may have noted an event for a bound handle and not put it into the mailbox.
  for (let thread = 0; thread < threads; thread++) new Mailbox(control, thread).requestSweep();
  revokeLeadership(control, dead);
  clearEngagement(control, dead);
  releaseRoutes(shared.routes, dead);
  lot.removeThread(dead, threads);
  return lost;
}

/** Completes an accept that was cut short; see the word ACCEPTING in connection/acceptor.ts. */
function completeAccept({ control, table, strays }: SharedState, words: Int32Array, dead: number): void {
  const at = threadArea(dead) + ACCEPTING;
  const recorded = words[at]!;
  words[at] = NOTHING_ACCEPTED;
  if (recorded === NOTHING_ACCEPTED) return;
  const accepted = recorded - FIRST_ACCEPTED;
  if (accepted >= 0 && table.owner(accepted) === dead) {
    // In the table already: it is closed with the other handles that the thread was inside.
    countersOf(control, dead)[ACCEPTED]!++;
    return;
  }
  // accept4 may have returned a descriptor that the thread had no time to record.
  if (recorded === PLACE_TAKEN) strays.lookEverywhere();
  else closeDescriptor(accepted);
  Atomics.sub(words, CONNECTIONS, 1);
}

/**
 * Completes a close that was cut short; see closeConnection in connection/close.ts. No living thread opens a record for a dead one,
 * and the replacement starts only after this, so a record that the dead thread owns is the one that it had not yet begun to close.
 */
function completeClose({ control, table, strays }: SharedState, words: Int32Array, dead: number): void {
  const at = threadArea(dead) + CLOSING;
  const recorded = words[at]!;
  words[at] = NOTHING_CLOSING;
  if (recorded === NOTHING_CLOSING) return;
  const fd = recorded - FIRST_CLOSING;
  if (table.owner(fd) === dead) return;
  Atomics.sub(words, CONNECTIONS, 1);
  countersOf(control, dead)[CLOSED]!++;
  strays.lookAt(fd);
}

function releaseHandles(shared: SharedState, words: Int32Array, dead: number): number {
  const { control, table } = shared;
  let lost = 0;
  for (let fd = 0; fd < table.end(); fd++) {
    if (table.owner(fd) !== dead) continue;
    if (OWN_KINDS.has(table.kind(fd))) {
      table.abandon(fd);
      Atomics.store(words, RESCAN, 1);
      continue;
    }
    closeOrphan(shared, words, fd);
    countersOf(control, dead)[CLOSED]!++;
    lost++;
  }
  return lost;
}

/** The first block of each record's saved input. */
function* savedChains(table: HandleTable): Generator<number> {
  for (let fd = 0; fd < table.end(); fd++) yield savedBlock(table, fd);
}
