/// <reference types="node" preserve="true" />
/**
 * `paceline/http`: `node:http` with servers that Paceline's HTTP engine serves, inside the thread that makes them. Everything else is
 * `node:http`'s own.
 *
 * ```js
 * import { createServer } from 'paceline/http';
 *
 * createServer((request, response) => response.end('hello')).listen(3000);
 * ```
 *
 * In a thread of Paceline the server listens on the handle set of all threads; in any other thread, on a set of its own.
 */
import nodeHttp, { Server as NodeServer, type RequestListener, type ServerOptions } from 'node:http';
import { localBinding } from './local/binding.js';
import { hasBinding, setBinding } from './node/binding.js';
import { listenOnSet } from './node/listening.js';

export * from 'node:http';

class PacelineServer extends NodeServer {
  constructor(options?: ServerOptions | RequestListener, listener?: RequestListener) {
    super(options as ServerOptions, listener);
    if (!hasBinding()) setBinding(localBinding());
    listenOnSet(this);
  }
}

/**
 * An `http.Server` that listens on the thread set of its thread. Its methods, properties and events are those of Node's class, and it can
 * be called without `new`, as Node's.
 */
export const Server = new Proxy(PacelineServer, {
  apply: (target, _this, [options, listener]) => new target(options, listener),
}) as typeof PacelineServer & typeof createServer;
export type Server = PacelineServer;

/**
 * Makes a server, as `node:http`'s function of that name.
 *
 * @param options of the server, or its listener
 * @param listener added to the server's event `request`
 */
export function createServer(options?: ServerOptions | RequestListener, listener?: RequestListener): Server {
  return new Server(options, listener);
}

export default { ...nodeHttp, Server, createServer };
