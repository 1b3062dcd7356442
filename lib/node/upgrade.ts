/** Whether a request is for another protocol. */
import type { IncomingMessage, Server } from 'node:http';
import { fieldAt } from './request.js';

const UPGRADE_TOKEN = /(?:^|[\s,])upgrade(?:$|[\s,])/i;

/** Whether the client asks for another protocol (RFC 9110, 7.8), or for a tunnel by CONNECT. */
function asksToUpgrade({ method, rawHeaders }: IncomingMessage): boolean {
  if (method === 'CONNECT') return true;
  // Not by `headers`: maxHeadersCount cuts them, and they are made when they are first asked for.
  if (fieldAt(rawHeaders, 'upgrade', 0) < 0) return false;
  for (let at = 0; ; at += 2) {
    at = fieldAt(rawHeaders, 'connection', at);
    if (at < 0) return false;
    if (UPGRADE_TOKEN.test(rawHeaders[at + 1]!)) return true;
  }
}

/** Whether the request is the app's event `upgrade` or `connect`, as in `parserOnIncoming`. */
export function upgrades(server: Server, request: IncomingMessage): boolean {
  if (!asksToUpgrade(request)) return false;
  if (request.method === 'CONNECT') return true;
  const { shouldUpgradeCallback } = server as {
    shouldUpgradeCallback?: (request: IncomingMessage) => boolean;
  };
  return shouldUpgradeCallback?.call(server, request) ?? server.listenerCount('upgrade') > 0;
}
