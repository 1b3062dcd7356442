/** Answers every request with an error, while there is no version of the app that could. It serves the sockets of the app itself. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';
import { errorPage, VERSION_PATH } from '../report/error-page.js';
import type { ErrorRecord } from '../report/error-record.js';
import { closeDescriptor } from '../sys/descriptor.js';

/** Connections that have sent no request when the next version starts have this long to send one. */
const LINGER_MS = 1000;

export interface Failure {
  /** What has failed, in a few words. */
  readonly title: string;
  readonly error: ErrorRecord;
}

let count = 0;

export class ErrorPages {
  readonly #failure: Failure;
  readonly #version = `${process.pid}-${++count}`;
  readonly #servers: Server[] = [];
  #isOver = false;

  private constructor(failure: Failure) {
    this.#failure = failure;
  }

  /** @param descriptors of sockets, which are its own from then on */
  static async open(failure: Failure, descriptors: readonly number[]): Promise<ErrorPages> {
    const pages = new ErrorPages(failure);
    for (const fd of descriptors) await pages.#serve(fd);
    return pages;
  }

  async #serve(fd: number): Promise<void> {
    const server = createServer((request, response) => this.#answer(request, response));
    try {
      await once(server.listen({ fd }), 'listening');
      this.#servers.push(server);
    } catch {
      // Another program listens there in the meantime.
      closeDescriptor(fd);
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { url = '/', headers, method } = request;
    response.setHeader('cache-control', 'no-store');
    // The next version is to have all connections.
    response.setHeader('connection', 'close');
    request.resume();
    if (this.#isOver) {
      // The connection was made before the file was saved: the client is to ask the next version.
      response.writeHead(307, { location: url }).end();
      return;
    }
    if (url === VERSION_PATH) {
      response.setHeader('content-type', 'text/plain');
      response.end(this.#version);
      return;
    }
    const { title, error } = this.#failure;
    const { type, body } = errorPage(error, { title, accept: headers.accept, version: this.#version });
    response.writeHead(500, { 'content-type': type });
    response.end(method === 'HEAD' ? undefined : body);
  }

  /** Accepts no more connections. */
  close(): void {
    this.#isOver = true;
    // Not http.Server.close: from Node 26 on it also ends connections whose first request is on its way.
    for (const server of this.#servers) NetServer.prototype.close.call(server);
    setTimeout(() => this.destroy(), LINGER_MS).unref();
  }

  /** Ends the connections that are left. */
  destroy(): void {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }
}
