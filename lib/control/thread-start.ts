/** What the threads of a server are started with, as its options say. */
import type { ResolvedOptions } from '../options/server-options.js';
import type { SocketAddress } from '../sys/socket.js';
import type { ThreadStart } from '../thread/messages.js';
import { limitsOf, nodeLimitsOf } from './limits.js';
import type { OwnAddress } from './own-address.js';
import { workingDirectory } from './working-directory.js';

/** @param own the server's own addresses */
export function startOptions(options: ResolvedOptions, own: readonly OwnAddress[]) {
  const { app, strategy, dev } = options;
  return {
    strategy,
    app,
    workingDirectory: workingDirectory(),
    limits: limitsOf(options),
    nodeLimits: nodeLimitsOf(options),
    fallbackHost: fallbackHost(own[0]!.address),
    ownAddresses: own.map(({ listenOptions }) => listenOptions),
    accessLog: accessLogOf(options),
    dev,
  } satisfies Partial<ThreadStart>;
}

/** Null where no request is logged. */
function accessLogOf({
  accessLog: format,
  accessLogSample: sample,
}: ResolvedOptions): ThreadStart['accessLog'] {
  return format === 'off' || sample === 0 ? null : { format, sample };
}

/** Host and port for the URLs of requests that name none. */
function fallbackHost({ address, family, port }: SocketAddress): string {
  if (family === 'Unix') return 'localhost';
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}
