/**
 * The only place where connections are closed: by the thread that is inside one, or by the control plane for a thread that is dead.
 * Owner of the words CLOSING and CLOSING_FROM; shares CONNECTIONS with the acceptor, and LISTENER_CONNECTIONS and OWN_CONNECTIONS, which change
 * with it.
 *
 * The order of the steps is the same for both. The record is FREE before the descriptor is closed, so a number is never used after
 * the kernel may have given it to another thread. CONNECTIONS is decremented last, so it is never less than the connections open.
 *
 * A thread may be terminated at any function call and in any loop, because V8 checks for termination there; so also between any two
 * steps of `closeConnection`. The thread records the connection in CLOSING first, and recovery completes a close that was cut short.
 * Where a count is changed, its record (CLOSING for CONNECTIONS, CLOSING_FROM for the listener's, CLOSING_OF for the set's) is cleared by the next
 * statements, with no call and no loop in between: a thread cannot be terminated there, so recovery never counts a connection twice.
 */
import type { BlockPool } from '../memory/block-pool.js';
import { CLOSED } from '../memory/counters.js';
import {
  ACCEPT_SUSPENDED,
  CLOSING,
  CLOSING_FROM,
  CLOSING_OF,
  CONNECTIONS,
  threadArea,
} from '../memory/layout.js';
import { clearSavedBlock, savedBlock } from '../set/handle-record.js';
import type { HandleTable } from '../set/handle-table.js';
import { closeDescriptor } from '../sys/descriptor.js';
import { ownConnectionsWord } from './dealing.js';
import type { ThreadContext } from './event-handler.js';
import { connectionsWord, resumeAccepting } from './listeners.js';

/** Values of the word CLOSING; the descriptor is added to FIRST_CLOSING. */
export const NOTHING_CLOSING = 0;
export const FIRST_CLOSING = 1;

/**
 * Closes a connection that the calling thread is inside or that is bound to it. From CLOSING and
 * the record, recovery concludes how far a thread came that died in here:
 *
 *   CLOSING set, the record still owned by the dead thread   nothing is done: closed like any connection that the thread was inside
 *   CLOSING set, the record FREE or owned by another         it counts as closed; the descriptor may still be open
 *   CLOSING clear                                            it is counted; at its listener, once CLOSING_FROM is clear as well; at its set,
 *                                                            once CLOSING_OF is
 *
 * @param atOnce does not wait until the client has taken what is still to be sent. Default: waits, where the model can
 */
export function closeConnection(context: ThreadContext, fd: number, atOnce = false): void {
  const { control, counters, transport } = context;
  if (transport.passesClose(fd, atOnce)) return;
  const area = threadArea(context.self);
  const closing = area + CLOSING;
  const closingFrom = area + CLOSING_FROM;
  const listener = context.table.listener(fd);
  const ofListener = connectionsWord(listener);
  const closingOf = area + CLOSING_OF;
  const set = context.table.set(fd);
  const ofSet = ownConnectionsWord(set);
  control[closing] = FIRST_CLOSING + fd;
  control[closingFrom] = 1 + listener;
  control[closingOf] = set;
  context.table.close(fd);
  closeDescriptor(fd);
  Atomics.sub(control, CONNECTIONS, 1);
  counters[CLOSED]!++;
  control[closing] = NOTHING_CLOSING;
  Atomics.sub(control, ofListener, 1);
  control[closingFrom] = 0;
  if (set !== 0) {
    Atomics.sub(control, ofSet, 1);
    control[closingOf] = 0;
  }
  if (Atomics.load(control, ACCEPT_SUSPENDED) !== 0) resumeAccepting(control, context.handles);
}

/** Where connections have what is theirs besides their descriptors. */
export interface Connections {
  readonly table: HandleTable;
  readonly pool: BlockPool;
}

/**
 * Closes a connection that no living thread is inside, and frees its saved input. For the control plane, which is not terminated in
 * between: it needs no record in CLOSING. The caller counts the connection as closed and resumes accepting, where that is due.
 */
export function closeOrphan(connections: Connections, control: Int32Array, fd: number): void {
  const { table } = connections;
  freeSavedInput(connections, fd);
  table.close(fd);
  closeDescriptor(fd);
  Atomics.sub(control, CONNECTIONS, 1);
  Atomics.sub(control, connectionsWord(table.listener(fd)), 1);
  const set = table.set(fd);
  if (set !== 0) Atomics.sub(control, ownConnectionsWord(set), 1);
}

/** Frees the saved input of a connection that no living thread is inside. For the control plane. */
export function freeSavedInput({ table, pool }: Connections, fd: number): void {
  pool.free(savedBlock(table, fd));
  clearSavedBlock(table, fd);
}
