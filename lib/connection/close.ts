/**
 * The only place where connections are closed: by the thread that is inside one, or by the control plane for a thread that is dead.
 * Owner of the word CLOSING; shares CONNECTIONS and ACCEPT_SUSPENDED with the acceptor.
 *
 * The order of the steps is the same for both. The record is FREE before the descriptor is closed, so a number is never used after
 * the kernel may have given it to another thread. CONNECTIONS is decremented last, so it is never less than the connections open.
 *
 * A thread may be terminated at any function call and in any loop, because V8 checks for termination there; so also between any two
 * steps of `closeConnection`. The thread records the connection in CLOSING first, and recovery completes a close that was cut short.
 * Where CONNECTIONS is changed, the record is cleared by the next statements, with no call and no loop in between: a thread cannot
 * be terminated there, so recovery never counts a connection twice.
 */
import type { BlockPool } from '../memory/block-pool.js';
import { CLOSED } from '../memory/counters.js';
import { ACCEPT_SUSPENDED, CLOSING, CONNECTIONS, threadArea } from '../memory/layout.js';
import { clearSavedBlock, savedBlock } from '../set/handle-record.js';
import { type HandleSet, INTEREST_INPUT } from '../set/handle-set.js';
import type { HandleTable } from '../set/handle-table.js';
import { closeDescriptor } from '../sys/descriptor.js';
import type { ThreadContext } from './event-handler.js';

/** Values of the word CLOSING; the descriptor is added to FIRST_CLOSING. */
export const NOTHING_CLOSING = 0;
export const FIRST_CLOSING = 1;

/**
 * Closes a connection that the calling thread is inside or that is bound to it. From CLOSING and
 * the record, recovery concludes how far a thread came that died in here:
 *
 *   CLOSING set, the record still owned by the dead thread   nothing is done: closed like any connection that the thread was inside
 *   CLOSING set, the record FREE or owned by another         it counts as closed; the descriptor may still be open
 *   CLOSING clear                                            everything is done
 */
export function closeConnection(context: ThreadContext, fd: number): void {
  const { control, counters } = context;
  const closing = threadArea(context.self) + CLOSING;
  control[closing] = FIRST_CLOSING + fd;
  context.table.close(fd);
  closeDescriptor(fd);
  Atomics.sub(control, CONNECTIONS, 1);
  counters[CLOSED]!++;
  control[closing] = NOTHING_CLOSING;
  if (Atomics.load(control, ACCEPT_SUSPENDED) !== 0) resumeAccepting(control, context.handles);
}

/** What a connection has besides its descriptor. */
interface Resources {
  readonly table: HandleTable;
  readonly pool: BlockPool;
}

/**
 * Closes a connection that no living thread is inside, and frees its saved input. For the control plane, which is not terminated in
 * between: it needs no record in CLOSING. The caller counts the connection as closed and resumes accepting, where that is due.
 */
export function closeOrphan({ table, pool }: Resources, control: Int32Array, fd: number): void {
  pool.free(savedBlock(table, fd));
  clearSavedBlock(table, fd);
  table.close(fd);
  closeDescriptor(fd);
  Atomics.sub(control, CONNECTIONS, 1);
}

/** Resumes the listening handle, if it is suspended. Callable from any thread. */
export function resumeAccepting(control: Int32Array, handles: HandleSet): void {
  const suspended = Atomics.exchange(control, ACCEPT_SUSPENDED, 0);
  if (suspended !== 0) handles.resumeHandle(suspended - 1, INTEREST_INPUT);
}
