/** The limits of connections, from the server's options: sizes and counts as they are, timeouts in ticks of the set's timer. */
import type { Limits } from '../connection/limits.js';
import { SERVER_OPTIONS } from '../options/option-table.js';
import type { ResolvedOptions } from '../options/server-options.js';
import type { NodeLimits, ServerLimits } from '../thread/messages.js';

/** How long a lingering close waits for the client to end its side. */
const LINGER_MS = 2000;
/**
 * How long a half-closed connection waits for its app after the client has ended its side. node:http closes it at once; but
 * `nc -N` and the like end their side after the request and go on reading. Never longer than sendTimeout.
 */
const GRACE_MS = 5000;
/** Bounds of the tick, in milliseconds. */
const MAX_TICK_MS = 1000;
const MIN_TICK_MS = 10;

/** The tick of the timeouts in milliseconds: a quarter of the shortest timeout, which bounds how late any of them is. */
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
  // One tick more than the timeout takes: the current one has begun already.
  const ticks = (timeoutMs: number) => (timeoutMs === 0 ? 0 : Math.ceil(timeoutMs / tickMs(options)) + 1);
  const requestTicks = ticks(options.requestTimeout);
  return {
    tickMs: tickMs(options),
    maxHeaderSize,
    maxBodySize,
    maxConnections,
    maxRequestsPerSocket,
    // A head is a part of the request: where it has no timeout of its own, or a longer one, the request's applies.
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

/** The limits of the http.Server objects that an app module exports. */
export function nodeLimitsOf(options: ResolvedOptions): NodeLimits {
  const { maxHeaderSize, maxRequestsPerSocket, headersTimeout, requestTimeout, keepAliveTimeout } = options;
  const all: ServerLimits = {
    maxHeaderSize,
    maxRequestsPerSocket,
    headersTimeout,
    requestTimeout,
    keepAliveTimeout,
  };
  const names = Object.keys(all) as (keyof ServerLimits)[];
  const changed = names.filter((name) => all[name] !== SERVER_OPTIONS[name].default);
  return { all, changed: Object.fromEntries(changed.map((name) => [name, all[name]])) };
}
