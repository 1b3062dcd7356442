/**
 * The pattern's Event Handler, to which a handle is bound, and the context that each concrete one has in its thread.
 */
import type { BlockPool } from '../memory/block-pool.js';
import type { Engagement } from '../set/engagement.js';
import type { HandleSet } from '../set/handle-set.js';
import type { HandleTable } from '../set/handle-table.js';
import type { ParkingLot } from '../set/parking-lot.js';
import type { Recorder } from '../set/recorder.js';
import type { HoldMeter } from './hold-meter.js';
import type { Limits } from './limits.js';
import type { Transport } from './transport.js';

/** Which concrete event handler serves a handle: the kind in the handle's record. */
export const ACCEPTOR = 1;
export const HTTP_CONNECTION = 2;
export const TCP_CONNECTION = 3;
export const WAKE_UP = 4;
export const TIMER = 5;
/** An HTTP connection whose requests go to a Node server: an `http.Server` of the app. */
export const NODE_CONNECTION = 6;
/** A connection that a thread's event loop serves as a `net.Socket`; the set only keeps its record. */
export const SOCKET_CONNECTION = 7;

/** Whether a kind is one of connections, and not one of the set's own handles. */
export const isConnection = (kind: number): boolean =>
  kind !== ACCEPTOR && kind !== WAKE_UP && kind !== TIMER;

export interface EventHandler {
  /**
   * Processes events of a handle. The calling thread is inside it, or it is bound to this thread; when the call returns, the handler
   * has left it, bound it, or closed it.
   *
   * @param events bits READABLE, WRITABLE, PEER_ENDED, BROKEN (set/handle-table.ts)
   */
  handleEvent(fd: number, events: number): void;
  /**
   * Does what takes bounded time and no user code, so that the leader may keep leadership meanwhile.
   *
   * @returns true when that was all and the handler has left the handle; else `handleEvent` is called after a promotion
   */
  handleInline?(fd: number): boolean;
  /** The handles that are bound to this thread. */
  bound?(): Iterable<number>;
  /**
   * The thread leaves its set: aborts the connections bound to it whose clients wait for a response. Never throws.
   *
   * @returns the routes of their requests, '' for one that is not known any more
   */
  cut?(): string[];
  /**
   * An exception has left `handleEvent`. Closes the handle's connection in whatever state it is, and releases all its resources;
   * does nothing when it has been closed or left already. Never throws. Absent where no user code runs.
   */
  abort?(fd: number): void;
}

/** Work that a thread has deferred until it is out of user code. */
export interface Deferred {
  /** Does the work, or a bounded part of it; defers itself again for the rest. */
  proceed(): void;
  /** An exception has left `proceed`: as EventHandler.abort. */
  abort(): void;
}

/** What event handlers have of their thread. */
export interface ThreadContext {
  /** The thread's number in its set. */
  readonly self: number;
  /** The thread's number in the server, as users see it. */
  readonly number: number;
  readonly control: Int32Array;
  readonly handles: HandleSet;
  readonly table: HandleTable;
  readonly pool: BlockPool;
  /** The buffer that this thread receives into. */
  readonly input: Buffer;
  /** What its connections receive and send by. */
  readonly transport: Transport;
  readonly counters: Int32Array;
  /** See memory/sums.ts. */
  readonly sums: Float64Array;
  readonly recorder: Recorder;
  readonly engagement: Engagement;
  /** Where threads park: for hints whether one is free. */
  readonly lot: ParkingLot;
  readonly holds: HoldMeter;
  readonly limits: Limits;
  /** Whether requests may be handed over to other threads (http/hand-over.ts): where all threads are peers. */
  readonly handsOver: boolean;
  /** Runs what user code has queued: nextTick callbacks and promise reactions. */
  drainTicks(): void;
  /** Has `work` proceed soon, in this thread and outside of user code. */
  defer(work: Deferred): void;
  /** Has `work` proceed before this thread next waits for events, outside of user code: under load, late. */
  beforeWaiting(work: Deferred): void;
  /** Makes sure that another thread leads: the handler about to be called is known to block. */
  aboutToBlock(): void;
  /** Processes events of a handle that the calling thread has entered by itself, not for an event of the ready list. */
  process(fd: number, events: number): void;
  /** Raises an error of user code that nobody caught, where it is caught: see thread/uncaught.ts. */
  raiseUncaughtException(error: unknown): void;
  log(level: 'error' | 'warn' | 'info' | 'debug', message: string, fields?: Record<string, unknown>): void;
}
