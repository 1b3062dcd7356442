/** A local binding whose connections are served by a fetch app and by a raw TCP app, as a program would by its servers. */
import { NODE_CONNECTION, SOCKET_CONNECTION } from '../../../lib/connection/event-handler.js';
import { fetchConnections } from '../../../lib/http/handler.js';
import { Routes } from '../../../lib/http/routes.js';
import { LocalBinding, type RegisterHandlers } from '../../../lib/local/binding.js';
import type { Binding, BoundListener, ListenRequest } from '../../../lib/node/binding.js';
import { DeclaredRoutes } from '../../../lib/routes/declared-routes.js';
import { RouteTable } from '../../../lib/routes/route-table.js';
import type { TcpApp } from '../../../lib/tcp/app.js';
import { TcpConnections } from '../../../lib/tcp/handler.js';
import type { FetchApp } from '../../../lib/web/context.js';

const HELLO: FetchApp = { fetch: () => new Response('hello') };
/** Sends back what it receives, and ends with the client. */
const ECHO: TcpApp = { data: (connection, bytes) => connection.write(bytes) };

/** @param more called with the set once it exists */
export function servingBinding(
  web: FetchApp = HELLO,
  raw: TcpApp = ECHO,
  more?: RegisterHandlers,
): LocalBinding {
  return new LocalBinding((set) => {
    const { context, eventHandlers, memory } = set;
    more?.(set);
    const routes = new Routes(new RouteTable(memory.routes, context.self), new DeclaredRoutes(undefined));
    eventHandlers[NODE_CONNECTION] = fetchConnections(context, web, 'localhost', routes);
    eventHandlers[SOCKET_CONNECTION] = new TcpConnections(context, raw);
  });
}

/** Listens on any port of 127.0.0.1, unless `request` says otherwise; known as soon as the call returns, as in Node. */
export function listen(
  binding: Binding,
  request: Partial<ListenRequest> = {},
): { listener: BoundListener; port: number } {
  let listener: BoundListener | undefined;
  binding.listen(
    { address: '127.0.0.1', port: 0, path: null, backlog: 0, protocol: 'http', ...request },
    {
      bound: (begun) => {
        listener = begun;
      },
      failed: (error) => {
        throw error;
      },
    },
  );
  if (listener === undefined) throw new Error('listen() has not listened at once');
  return { listener, port: listener.address.port };
}
