/**
 * Stalls that were none. To those that look for stalls, the follower on watch (set/watch.ts) and the I/O thread (set/queue-wake-ups.ts), a thread
 * that waits for a core looks like one inside a long handler. The thread itself finds out when it is done.
 */
import { WATCH_INTERVAL_MS } from '../set/watch.js';
import type { Turn } from './turn.js';

/** What they take for a stall, at least. */
const STALL_MICROS = WATCH_INTERVAL_MS * 1000;

/**
 * Whether the thread has been processing for so long that it looked stalled, but the system did not run it. To be called when it is done, after
 * the change of state and before `wasLong`.
 *
 * @param now by sys/clock.ts
 */
export function onlyLookedStalled(turn: Turn, now: number): boolean {
  const micros = turn.processingMicros(now);
  return micros >= STALL_MICROS && turn.member.holds.ran(micros, now) < STALL_MICROS;
}
