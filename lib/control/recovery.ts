/**
 * What the control plane does when a thread is dead, in this order:
 *
 * 1. Steps that it was in are completed: a connection that it had accepted and not yet put into the table is closed, and one that it
 *    was closing is counted. Open descriptors that may belong to no thread are looked for (strays.ts).
 *    The connections that it was inside, or that were bound to it, are closed: no other thread can continue them.
 *    A listening, wake-up or timer handle that it was inside is left on its behalf.
 *    Blocks of the pool that it had taken are returned.
 *    In the model with channels, the I/O thread closes them (proactor/orphans.ts).
 * 2. Events may be lost: those that it had taken from the kernel if it led or had a set of its own, a connection handed over to it if its
 *    mailbox was not empty, and an entry that it had taken from the request queue, whose cell is freed.
 *    Then the next leader looks at every handle.
 *    Every thread looks at every handle bound to it, in case the dead one was about to hand an event off to it.
 * 3. Its leadership is revoked.
 * 4. It is taken out of the parking lot, and all threads are woken, because it may have been about to wake one.
 */
import { FIRST_ACCEPTED, NOTHING_ACCEPTED, PLACE_TAKEN } from '../connection/acceptor.js';
import { closeOrphan, FIRST_CLOSING, NOTHING_CLOSING } from '../connection/close.js';
import { ownConnectionsWord } from '../connection/dealing.js';
import { isConnection } from '../connection/event-handler.js';
import { connectionsWord } from '../connection/listeners.js';
import type { BlockPool } from '../memory/block-pool.js';
import { ACCEPTED, CLOSED, countersOf } from '../memory/counters.js';
import {
  ACCEPTING,
  ACCEPTING_FROM,
  ACCEPTING_TO,
  CLOSING,
  CLOSING_FROM,
  CLOSING_OF,
  CONNECTIONS,
  CURRENT_FD,
  LEADER,
  RESCAN,
  threadArea,
} from '../memory/layout.js';
import type { Channels } from '../proactor/channels.js';
import { leaveToIoThread, recoverChannels } from '../proactor/orphans.js';
import { releaseRoutes } from '../routes/route-table.js';
import { clearEngagement } from '../set/engagement.js';
import { savedBlock } from '../set/handle-record.js';
import type { HandleTable } from '../set/handle-table.js';
import { Mailbox } from '../set/mailbox.js';
import type { ParkingLot } from '../set/parking-lot.js';
import { IO_THREAD } from '../set/queue-wake-ups.js';
import { releaseTaken } from '../set/request-queue.js';
import { moveState, revokeLeadership } from '../set/thread-set.js';
import { DEAD } from '../set/thread-state.js';
import { closeDescriptor } from '../sys/descriptor.js';
import type { Strays } from './strays.js';

export interface SharedState {
  readonly control: SharedArrayBuffer;
  readonly routes: SharedArrayBuffer;
  readonly table: HandleTable;
  readonly pool: BlockPool;
  readonly lot: ParkingLot;
  readonly threads: number;
  readonly strays: Strays;
  /** Whether threads have handle sets of their own. */
  readonly hasOwnSets: boolean;
  /** Null in models that have none. */
  readonly channels: Channels | null;
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
  const discarded = new Mailbox(control, dead).clear();
  if (releaseTaken(control, dead) || discarded) Atomics.store(words, RESCAN, 1);
  completeAccept(shared, words, dead);
  completeClose(shared, words, dead);
  shared.strays.close();
  const lost = releaseHandles(shared, words, dead);
  if (shared.channels !== null) {
    recoverChannels(shared.channels, dead, shared.table.end());
    // It may have been about to put an operation on the board.
    Atomics.store(words, RESCAN, 1);
  }
  shared.pool.reclaim(dead, savedChains(shared.table));
  if (shared.hasOwnSets || Atomics.load(words, LEADER) === dead + 1) Atomics.store(words, RESCAN, 1);
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
  const record = takeRecord(words, dead, ACCEPTING, ACCEPTING_FROM, ACCEPTING_TO);
  const { recorded } = record;
  if (recorded === NOTHING_ACCEPTED) {
    uncountShares(words, record);
    return;
  }
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
  uncountShares(words, record);
}

/** What a thread has recorded of a step, and who counts the connection besides. */
interface StepRecord {
  readonly recorded: number;
  /** 0, or 1 + the listener. */
  readonly from: number;
  /** The thread whose own set it is in, 0 for the shared one. */
  readonly set: number;
}

/** Takes a record, whose words are given by their places in the thread's area. */
function takeRecord(words: Int32Array, dead: number, step: number, from: number, set: number): StepRecord {
  const area = threadArea(dead);
  const record = { recorded: words[area + step]!, from: words[area + from]!, set: words[area + set]! };
  for (const place of [step, from, set]) words[area + place] = 0;
  return record;
}

/** A connection is no more: its listener and its set count it no longer. */
function uncountShares(words: Int32Array, { from, set }: StepRecord): void {
  if (from !== 0) Atomics.sub(words, connectionsWord(from - 1), 1);
  if (set !== 0) Atomics.sub(words, ownConnectionsWord(set), 1);
}

/**
 * Completes a close that was cut short; see closeConnection in connection/close.ts. No living thread opens a record for a dead one,
 * and the replacement starts only after this, so a record that the dead thread owns is the one that it had not yet begun to close.
 */
function completeClose({ control, table, strays }: SharedState, words: Int32Array, dead: number): void {
  const record = takeRecord(words, dead, CLOSING, CLOSING_FROM, CLOSING_OF);
  const { recorded } = record;
  if (recorded === NOTHING_CLOSING) {
    uncountShares(words, record);
    return;
  }
  const fd = recorded - FIRST_CLOSING;
  if (table.owner(fd) === dead) return;
  Atomics.sub(words, CONNECTIONS, 1);
  uncountShares(words, record);
  countersOf(control, dead)[CLOSED]!++;
  strays.lookAt(fd);
}

function releaseHandles(shared: SharedState, words: Int32Array, dead: number): number {
  const { control, table, channels } = shared;
  let lost = 0;
  for (let fd = 0; fd < table.end(); fd++) {
    if (table.owner(fd) !== dead) continue;
    // A handle of the set itself is left, not closed.
    if (!isConnection(table.kind(fd))) {
      table.abandon(fd);
      Atomics.store(words, RESCAN, 1);
      continue;
    }
    if (channels !== null && leaveToIoThread(channels, shared, dead, fd)) {
      if (dead !== IO_THREAD) lost++;
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
