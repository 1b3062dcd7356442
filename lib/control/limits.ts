/** What the options let connections have: sizes and counts as given, times in ticks of the set's timer. */
import type { Limits } from '../connection/event-handler.js';
import type { ResolvedOptions } from '../options/server-options.js';

/** How long a client has to end its side once the server has ended its own. */
const LINGER_MS = 2000;
/**
 * How long a connection waits for its app once the client has ended its side. node:http ends it at once; but `nc -N` and the
 * like end their side after the request and read on. No longer than for a client that takes nothing (sendTimeout).
 */
const GRACE_MS = 5000;
/** Bounds of the tick. */
const MAX_TICK_MS = 1000;
const MIN_TICK_MS = 10;

/** The tick of the timeouts: a quarter of the shortest, so that none is late by more than that; a second at most. */
export function tickMs({
  headersTimeout,
  requestTimeout,
  keepAliveTimeout,
  sendTimeout,
}: ResolvedOptions): number {
  const set = [headersTimeout, requestTimeout, keepAliveTimeout, sendTimeout].filter(
    (timeout) => timeout > 0,
  );
  return Math.min(MAX_TICK_MS, Math.max(MIN_TICK_MS, Math.floor(Math.min(...set) / 4)));
}

export function limitsOf(options: ResolvedOptions): Limits {
  const { maxHeaderSize, maxBodySize, maxConnections, maxRequestsPerSocket } = options;
  // One tick more than the time takes: the first one is under way already.
  const ticks = (timeoutMs: number) => (timeoutMs === 0 ? 0 : Math.ceil(timeoutMs / tickMs(options)) + 1);
  const requestTicks = ticks(options.requestTimeout);
  return {
    maxHeaderSize,
    maxBodySize,
    maxConnections,
    maxRequestsPerSocket,
    // A head is a part of the request: where it has no limit of its own, or a longer one, that of the request holds.
    headersTicks: Math.min(
      ticks(options.headersTimeout) || requestTicks,
      requestTicks || ticks(options.headersTimeout),
    ),
    requestTicks,
    keepAliveTicks: ticks(options.keepAliveTimeout),
    sendTicks: ticks(options.sendTimeout),
    lingerTicks: ticks(LINGER_MS),
    graceTicks: ticks(Math.min(GRACE_MS, options.sendTimeout || GRACE_MS)),
  };
}
