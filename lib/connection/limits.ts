/**
 * What a connection may take of the server: the limits that an operator sets, and the fixed ones that hold for any protocol. What
 * one dispatch may take of its thread is bounded in dispatch-budget.ts.
 */

/**
 * The operator's limits, as the control plane hands them to every thread. The timeouts are in ticks of the set's timer, 0 for none;
 * each is one tick longer than its time takes, because the first tick is under way already.
 */
export interface Limits {
  /** The tick in milliseconds. */
  readonly tickMs: number;
  /** Bytes of a request's head; more is answered with 431. */
  readonly maxHeaderSize: number;
  /** Bytes of a request's body, without its framing; more is answered with 413. */
  readonly maxBodySize: number;
  /** Open connections; accepting is suspended at this number. */
  readonly maxConnections: number;
  /** Requests on one connection, which is closed after the last; 0 for any number. */
  readonly maxRequestsPerSocket: number;
  /** From a head's first byte to its last, for the first head from accepting; then 408, or closing where nothing was received. */
  readonly headersTicks: number;
  /** From a request's first byte to its last; then 408. */
  readonly requestTicks: number;
  /** Between a response and the next request's first byte; then the connection is closed. */
  readonly keepAliveTicks: number;
  /** For which the client takes nothing of what is to be sent; then the connection is aborted. */
  readonly sendTicks: number;
  /** How long a client has to end its side after the server has ended its own. */
  readonly lingerTicks: number;
  /** How long a connection waits for its app once the client has ended its side. */
  readonly graceTicks: number;
}

/** Bytes that one call receives. */
export const RECEIVE_BYTES = 64 * 1024;

/** The most bytes that may wait on one connection. A stream's or app's back-pressure stops far below it. */
export const MAX_QUEUED_BYTES = 64 * 1024 * 1024;
