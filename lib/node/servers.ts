/** The app's servers of this thread, by the listeners that they are bound to. */
import type { Server } from 'node:net';

/** What the event handler of a thread's connections does for their servers. */
export interface ServedConnections {
  /**
   * Closes the server's connections between two requests, or all of them, as soon as no user code runs. Another server may have the
   * listener's number by then; nothing is done in that case.
   */
  close(listener: number, server: Server, all: boolean): void;
}

export class NodeServers {
  readonly #servers: (Server | undefined)[] = [];
  readonly #present: number[] = [];
  #connections: ServedConnections | null = null;

  /** From now on the connections of the listener are the server's. */
  attach(listener: number, server: Server): void {
    this.#servers[listener] = server;
  }

  of(listener: number): Server | undefined {
    return this.#servers[listener];
  }

  /** How many connections of the listener are in this thread, with a socket that the app knows. */
  present(listener: number): number {
    return this.#present[listener] ?? 0;
  }

  /** Counts one that comes (1), or leaves (-1). */
  count(listener: number, change: number): void {
    this.#present[listener] = this.present(listener) + change;
  }

  servedBy(connections: ServedConnections): void {
    this.#connections = connections;
  }

  /** As ServedConnections.close. */
  closeConnections(listener: number, server: Server, all: boolean): void {
    this.#connections?.close(listener, server, all);
  }
}

/** The servers of this thread. */
export const servers = new NodeServers();
