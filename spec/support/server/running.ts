/** A spec's own server: started on a free port, closed when the spec's scope ends. */

import type { LogFields, Logger } from '../../../lib/logger.js';
import type { ServerOptions } from '../../../lib/options/server-options.js';
import { createServer, type Server } from '../../../lib/server.js';
import { Gate } from './gate.js';
import { Client, type Target } from './http-client.js';
import { range, until } from './wait.js';

export interface LogEntry {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: LogFields;
}

/** Long enough for what specs leave in flight, short enough for a failing one to end. */
const DRAIN_MS = 300;

/** Far above the default: on a machine that stalls for seconds, connections that a spec keeps open stay open. */
const KEEP_ALIVE_MS = 60_000;

export class Running implements AsyncDisposable {
  readonly #clients: Client[] = [];

  private constructor(
    readonly server: Server,
    readonly target: Target,
    /** What the server logged, in order. */
    readonly log: readonly LogEntry[],
  ) {}

  /** @param app the name of a module in fixtures/server, with or without a query */
  static async start(app: string, options: Omit<ServerOptions, 'app'> = {}, path?: string): Promise<Running> {
    const log: LogEntry[] = [];
    const server = createServer({
      app: fixture(app),
      logger: recorder(log),
      keepAliveTimeout: KEEP_ALIVE_MS,
      ...options,
    });
    await server.listen(path === undefined ? { port: 0 } : { path });
    const address = server.address();
    const target: Target =
      typeof address === 'string' ? { path: address } : { host: address.address, port: address.port };
    return new Running(server, target, log);
  }

  /** A new connection, which ends with the spec. */
  async connect(target: Partial<Target> = {}): Promise<Client> {
    const client = await Client.connect({ ...this.target, ...target } as Target);
    this.#clients.push(client);
    return client;
  }

  connectMany(count: number): Promise<Client[]> {
    return Promise.all(range(count).map(() => this.connect()));
  }

  /** One request on a connection of its own. */
  async get(path: string): Promise<string> {
    const client = await this.connect();
    const { text } = await client.get(path);
    await client.close();
    return text;
  }

  /** Resolves once the threads are in these states, in any order. */
  states(...wanted: string[]): Promise<void> {
    const sorted = wanted.sort().join();
    return until(
      `the threads are ${sorted}`,
      () =>
        this.server
          .threads()
          .map(({ state }) => state)
          .sort()
          .join() === sorted,
    );
  }

  /** Resolves once all but one thread are parked and that one leads. */
  idle(): Promise<void> {
    return this.states('leader', ...range(this.server.threads().length - 1).map(() => 'follower'));
  }

  /** Resolves once so many connections are open. */
  connections(count: number): Promise<void> {
    return until(`${count} connections are open`, () => this.server.connections === count);
  }

  /** Sends a request to each thread at once. @returns the answers' texts, in the order of the threads' numbers */
  async everyThread(path: string): Promise<string[]> {
    using gate = new Gate();
    const count = this.server.threads().length;
    const clients = await this.connectMany(count);
    const fields = `x-gate: ${gate.path}\r\n`;
    const answers = clients.map((client) => client.get(path, fields));
    // No request leaves before every thread has one, so no thread gets two.
    await gate.entered(count);
    gate.release(count);
    const texts: string[] = [];
    for (const { headers, text } of await Promise.all(answers)) texts[Number(headers.get('x-thread'))] = text;
    await Promise.all(clients.map((client) => client.close()));
    return texts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.server.close({ drainMs: DRAIN_MS });
  }
}

/** The URL of an app in fixtures/server. */
export function fixture(app: string): URL {
  const [name, query] = app.split('?');
  return new URL(
    `../../fixtures/server/${name}.js${query === undefined ? '' : `?${query}`}`,
    import.meta.url,
  );
}

function recorder(log: LogEntry[]): Logger {
  const at =
    (level: keyof Logger) =>
    (message: string, fields: LogFields = {}): void => {
      log.push({ level, message, fields });
    };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}
