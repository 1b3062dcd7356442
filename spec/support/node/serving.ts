/** A server of paceline/http in this process, for one test. */
import { once } from 'node:events';
import type { Server, ServerOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from '../server/http-client.js';
import { within } from '../server/wait.js';
import { subject } from './subject.js';

export class Serving implements AsyncDisposable {
  readonly server: Server;
  readonly #clients: Client[] = [];

  private constructor(server: Server) {
    this.server = server;
  }

  /** @param prepare adds the server's listeners, before it listens */
  static async start(prepare: (server: Server) => void, options: ServerOptions = {}): Promise<Serving> {
    const server = subject.createServer(options);
    prepare(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Serving(server);
  }

  /** A new connection, which ends with the test. */
  async connect(): Promise<Client> {
    const { port } = this.server.address() as AddressInfo;
    const client = await Client.connect({ port, host: '127.0.0.1' });
    this.#clients.push(client);
    return client;
  }

  /** Closes the server; resolves once it has no connection any more. */
  close(): Promise<unknown> {
    return within('the close of the server', new Promise((resolve) => this.server.close(resolve)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    this.server.closeAllConnections();
    await this.close();
  }
}
