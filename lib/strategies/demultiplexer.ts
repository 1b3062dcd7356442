/**
 * The Synchronous Event Demultiplexer of the literature: where a thread gets its next event from, and what it does first when there is none.
 * Only the thread that holds the lock of the handle set may call this; or, where each thread has a set of its own, that thread.
 */
import { KERNEL_POLLS } from '../memory/counters.js';
import { LEAVE_SET, RETURN_TO_LOOP, type Turn } from './turn.js';

/** What comes next, beside LEAVE_SET and RETURN_TO_LOOP. The event is in the ready list's `fd`, `generation` and `events`. */
export const EVENT = 3;
/** There is own work, and no event. */
export const OWN_WORK = 4;
/** Time has passed, or the list was filled: ask again. */
export const ASK_AGAIN = 5;

/**
 * Takes the next event from the ready list; where that is empty, asks the kernel, and waits if nothing else is to be done.
 *
 * @param maxMs waits for so long at most. Default: as long as the thread's own event loop allows
 * @param waiter what waits. Default: the turn
 * @returns EVENT, OWN_WORK, ASK_AGAIN, LEAVE_SET when the set stops, or RETURN_TO_LOOP when the thread's own event loop has to run
 */
export function nextEvent(turn: Turn, maxMs?: number, waiter: Pick<Turn, 'waitForEvents'> = turn): number {
  const { handles, counters, recorder } = turn.member;
  if (handles.ready.take()) return EVENT;
  counters[KERNEL_POLLS]!++;
  // Before own work: where all threads have own work without end, nobody else would ask the kernel.
  if (handles.ready.refill() > 0) {
    recorder.refilled();
    return ASK_AGAIN;
  }
  if (turn.hasOwnWork()) return OWN_WORK;
  if (turn.mustLeave()) return LEAVE_SET;
  return waiter.waitForEvents(maxMs) ? ASK_AGAIN : RETURN_TO_LOOP;
}
