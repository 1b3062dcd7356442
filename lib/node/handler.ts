/** The concrete event handler of HTTP connections whose requests go to Node servers. */
import type { Server } from 'node:net';
import type { Deferred, ThreadContext } from '../connection/event-handler.js';
import { NODE_CONNECTION } from '../connection/event-handler.js';
import type { HttpConnection } from '../http/connection.js';
import { BETWEEN_REQUESTS } from '../http/flags.js';
import { HttpConnections } from '../http/handler.js';
import type { HttpExchange } from '../http/http-exchange.js';
import type { Routes } from '../http/routes.js';
import { hasFlag } from '../set/handle-record.js';
import { FREE, type HandleTable, IDLE } from '../set/handle-table.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { binding } from './binding.js';
import { breakConnection } from './break-connection.js';
import { NodeConnection } from './connection.js';
import { NodeThread } from './node-thread.js';
import { ObservedNodeConnection } from './observed-connection.js';
import { type ServedConnections, servers } from './servers.js';

export class NodeConnections extends HttpConnections implements ServedConnections {
  readonly #thread: NodeThread;

  /** @param telemetry observes the requests. Default: nothing does */
  constructor(context: ThreadContext, routes: Routes, telemetry: Telemetry | null = null) {
    const thread = new NodeThread(context, routes);
    const create = (): NodeConnection =>
      telemetry === null ? new NodeConnection(thread) : new ObservedNodeConnection(thread, telemetry);
    super(thread, () => create() as unknown as HttpConnection<HttpExchange>);
    this.#thread = thread;
    servers.servedBy(this);
  }

  close(listener: number, server: Server, all: boolean): void {
    const proceed = () => {
      if (servers.of(listener) === server) this.#close(listener, all);
    };
    const work: Deferred = { proceed, abort: () => {} };
    this.#thread.context.defer(work);
  }

  #close(listener: number, all: boolean): void {
    const { context, boundConnections } = this.#thread;
    const { table } = context;
    for (let fd = 0; fd < table.end(); fd++) {
      if (table.kind(fd) !== NODE_CONNECTION || table.listener(fd) !== listener) continue;
      const bound = boundConnections.get(fd) as NodeConnection | undefined;
      if (bound !== undefined) bound.closeByServer(all);
      else if (!binding().isShared && isToClose(table, fd, all))
        breakConnection(context, fd, table.generation(fd));
    }
  }
}

/** Whether the server closes a connection that is not bound. One that has not had a request is not idle, as in Node. */
function isToClose(table: HandleTable, fd: number, all: boolean): boolean {
  const state = table.state(fd);
  return state !== FREE && (all || (state === IDLE && hasFlag(table, fd, BETWEEN_REQUESTS)));
}
