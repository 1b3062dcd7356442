/**
 * The one place where connections are closed: by the thread that has one, or by the control plane in place of a thread that is
 * gone. Owner of the word CLOSING; shares CONNECTIONS and ACCEPT_SUSPENDED with the acceptor.
 *
 * The order of the steps is the same for both. The record is FREE before the descriptor is closed, so the number is never used
 * after another thread has been given it; the place in CONNECTIONS is free last, so no more are open than it says.
 *
 * A thread may be ended at any call of a function and at any loop, as V8 looks there whether it is to stop, so also between any two
 * steps of `closeConnection`. It notes the connection first, in CLOSING, and recovery completes what was cut. Where CONNECTIONS is
 * changed, the note is cleared by the next statements, with no call of a function and no loop between them: a thread cannot be
 * ended there, so recovery never counts twice.
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
 * Closes a connection that the calling thread is inside or that is bound to it. Recovery tells by CLOSING and the record how far
 * a thread came that died in here:
 *
 *   CLOSING set, the record still the dead thread's    nothing has happened: it is closed as one that the thread was inside
 *   CLOSING set, the record FREE or somebody else's    it counts as closed; the descriptor may be open still
 *   CLOSING clear                                      all is done
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

/** What is closed besides the descriptor. */
interface Resources {
  readonly table: HandleTable;
  readonly pool: BlockPool;
}

/**
 * Closes a connection that no living thread is inside, with what it has in the pool. For the control plane, which nothing ends in
 * between: no note is needed. The caller counts the connection as closed, and resumes accepting, where that is due.
 */
export function closeOrphan({ table, pool }: Resources, control: Int32Array, fd: number): void {
  pool.free(savedBlock(table, fd));
  clearSavedBlock(table, fd);
  table.close(fd);
  closeDescriptor(fd);
  Atomics.sub(control, CONNECTIONS, 1);
}

/** Watches the suspended listening handle again, if there is one. Callable from any thread. */
export function resumeAccepting(control: Int32Array, handles: HandleSet): void {
  const suspended = Atomics.exchange(control, ACCEPT_SUSPENDED, 0);
  if (suspended !== 0) handles.resumeHandle(suspended - 1, INTEREST_INPUT);
}
