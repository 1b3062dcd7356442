/**
 * What Node keeps under symbols of its own, found by their descriptions: the parts of `lib/_http_server.js` and `lib/_http_outgoing.js` that
 * a response and its server exchange. They are in Node.js 20 to 26; where one is missing in a later version, what depends on it is not done.
 */
import { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const symbolOf = (object: object, description: string): symbol | undefined =>
  Object.getOwnPropertySymbols(object).find((symbol) => symbol.description === description);

const someServer = new Server();
const someResponse = new ServerResponse(new IncomingMessage(null as unknown as Socket));

/** Where a server has the classes of its options `IncomingMessage` and `ServerResponse`. */
export const REQUEST_CLASS = symbolOf(someServer, 'IncomingMessage');
export const RESPONSE_CLASS = symbolOf(someServer, 'ServerResponse');
const UNIQUE_HEADERS = symbolOf(someServer, 'kUniqueHeaders');
const NEED_DRAIN = symbolOf(someResponse, 'kNeedDrain');

type Symbols = Record<symbol, unknown>;

/** Hands the server's option `uniqueHeaders` to a response. */
export function passUniqueHeaders(server: Server, response: ServerResponse): void {
  if (UNIQUE_HEADERS === undefined) return;
  (response as unknown as Symbols)[UNIQUE_HEADERS] = (server as unknown as Symbols)[UNIQUE_HEADERS];
}

/** Whether a write to the response returned false, and no `drain` has been emitted since. Clears it. */
export function takeNeedDrain(response: ServerResponse): boolean {
  if (NEED_DRAIN === undefined || (response as unknown as Symbols)[NEED_DRAIN] !== true) return false;
  (response as unknown as Symbols)[NEED_DRAIN] = false;
  return true;
}
