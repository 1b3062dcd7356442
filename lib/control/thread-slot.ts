/** A place for a thread: which thread has it, and how long its replacement has to wait. */
import type { Worker } from 'node:worker_threads';
import type { ControlMessage } from '../thread/messages.js';

/**
 * A thread that ends sooner than this after its start has died early. After two early deaths in a row the next replacement
 * is delayed. If the threads had processed events, requests kill them: the delay stays at FIRST_DELAY_MS, because other
 * requests need the threads. If they had not, starting kills them: the delay doubles each time, up to MAX_DELAY_MS.
 */
const EARLY_DEATH_MS = 1000;
const FIRST_DELAY_MS = 100;
export const MAX_DELAY_MS = 10_000;

export interface Slot {
  worker: Worker | null;
  /** Sends the thread a message. */
  post: ((message: ControlMessage) => void) | null;
  /** The thread has not joined the set yet, or is to be started for the first time. */
  loading: boolean;
  /** The slot's first thread has joined the set. */
  filled: boolean;
  /** The thread has left the set. */
  left: boolean;
  /** Infinity before the first thread. */
  startedAt: number;
  /** Early deaths in a row, and failed starts in a row: early deaths without an event processed. */
  earlyDeaths: number;
  failedStarts: number;
  /** Events that the slot had processed when the thread was started. */
  eventsBefore: number;
  retry: NodeJS.Timeout | null;
  error: unknown;
}

export const emptySlot = (): Slot => ({
  worker: null,
  post: null,
  loading: true,
  filled: false,
  left: false,
  startedAt: Number.POSITIVE_INFINITY,
  earlyDeaths: 0,
  failedStarts: 0,
  eventsBefore: 0,
  retry: null,
  error: undefined,
});

/** The slot's thread has died. @param served whether it had processed events */
export function noteDeath(slot: Slot, served: boolean): void {
  const short = performance.now() - slot.startedAt < EARLY_DEATH_MS;
  slot.earlyDeaths = short ? slot.earlyDeaths + 1 : 0;
  slot.failedStarts = short && !served ? slot.failedStarts + 1 : 0;
}

/** The delay of a replacement, in milliseconds. None after a single crash, which must not cost capacity. */
export function delayOf({ earlyDeaths, failedStarts }: Slot): number {
  if (earlyDeaths < 2) return 0;
  return Math.min(FIRST_DELAY_MS * 2 ** Math.max(0, failedStarts - 2), MAX_DELAY_MS);
}
