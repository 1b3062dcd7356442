/**
 * What a handle is bound to: the pattern's Event Handler, and what each concrete one finds in its thread.
 */
import type { BlockPool } from '../memory/block-pool.js';
import type { HandleSet } from '../set/handle-set.js';
import type { HandleTable } from '../set/handle-table.js';
import type { Recorder } from '../set/recorder.js';
import type { Limits } from './limits.js';

/** Which concrete event handler serves a handle; the number stands in the handle's record. */
export const ACCEPTOR = 1;
export const HTTP_CONNECTION = 2;
export const TCP_CONNECTION = 3;
export const WAKE_UP = 4;
export const TIMER = 5;

export interface EventHandler {
  /**
   * Processes what happened on a handle. The calling thread is inside it, or it is bound to this thread; when the
   * call returns, the handler has left it, bound it, or closed it.
   *
   * @param events bits READABLE, WRITABLE, PEER_ENDED, BROKEN (set/handle-table.ts)
   */
  handleEvent(fd: number, events: number): void;
  /**
   * Does what can be done in bounded time and without user code, for which the leader need not give leadership up.
   *
   * @returns whether that was all, and the handler has left the handle; else `handleEvent` is called after a promotion
   */
  handleInline?(fd: number): boolean;
  /** The handles that are bound to this thread. */
  bound?(): Iterable<number>;
  /**
   * An exception has left `handleEvent`. Ends the handle's connection in whatever state it is in, and gives back all that it
   * holds; does nothing when it has been closed or left already. Never throws. Absent where no user code runs.
   */
  abort?(fd: number): void;
}

/** Work of a thread of its own, put off until the thread is out of user code. */
export interface Deferred {
  proceed(): void;
  /** An exception has left `proceed`: as EventHandler.abort. */
  abort(): void;
}

/** What event handlers find in their thread. */
export interface ThreadContext {
  readonly self: number;
  readonly control: Int32Array;
  readonly handles: HandleSet;
  readonly table: HandleTable;
  readonly pool: BlockPool;
  /** What this thread receives into. */
  readonly input: Buffer;
  readonly counters: Int32Array;
  /** See memory/sums.ts. */
  readonly sums: Float64Array;
  readonly recorder: Recorder;
  readonly limits: Limits;
  /** Runs what user code left for after it: nextTick callbacks and promise reactions. */
  drainTicks(): void;
  /** Goes on with a connection that is bound to this thread soon, outside of user code. */
  defer(work: Deferred): void;
  /** Has an event processed whose handle the calling thread has entered by itself, instead of by the ready list. */
  process(fd: number, events: number): void;
  log(level: 'error' | 'warn' | 'info' | 'debug', message: string, fields?: Record<string, unknown>): void;
}
