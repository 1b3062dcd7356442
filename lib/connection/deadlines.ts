/**
 * A connection's deadline: one word of its record, in ticks of the set's timer. The event handler sets it by a plain store when it
 * leaves the connection; timeouts.ts checks all deadlines once a tick.
 */
import { TICK } from '../memory/layout.js';
import { deadlineOf, storeDeadline } from '../set/handle-record.js';
import type { ThreadContext } from './event-handler.js';

type Ticking = Pick<ThreadContext, 'control' | 'table'>;

/** The tick that is `ticks` from now. Never 0, which stands for no deadline. */
export function deadlineIn(control: Int32Array, ticks: number): number {
  return (control[TICK]! + ticks) | 0 || 1;
}

/** @param ticks from now; 0 for no deadline */
export function setDeadline({ control, table }: Ticking, fd: number, ticks: number): void {
  storeDeadline(table, fd, ticks === 0 ? 0 : deadlineIn(control, ticks));
}

/** Whether the deadline has passed. */
export function isDue({ control, table }: Ticking, fd: number): boolean {
  const deadline = deadlineOf(table, fd);
  return deadline !== 0 && ((deadline - Atomics.load(control, TICK)) | 0) <= 0;
}
