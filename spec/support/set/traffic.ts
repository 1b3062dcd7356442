/** What comes from outside: events of connections, and clients of a listening socket. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { FREE } from '../../../lib/set/handle-table.js';
import { closeDescriptor, signalEventCounter } from '../../../lib/sys/descriptor.js';
import { bindListener, localAddress, startListening } from '../../../lib/sys/socket.js';
import { until } from './scratch.js';
import type { TestSet } from './test-set.js';

/** Sends events to connections and knows what must have come of them. */
export class Traffic {
  readonly #sent = new Map<number, number>();

  constructor(
    readonly set: TestSet,
    kinds: readonly number[],
  ) {
    for (const kind of kinds) this.add(kind);
  }

  add(kind: number): number {
    const fd = this.set.connect(kind);
    this.#sent.set(fd, 0);
    return fd;
  }

  get fds(): number[] {
    return [...this.#sent.keys()];
  }

  send(fd: number): void {
    this.#sent.set(fd, this.#sent.get(fd)! + 1);
    signalEventCounter(fd);
  }

  /** Whether all that was ever sent was seen. */
  arrived(): boolean {
    return this.fds.every((fd) => this.set.tally(fd) === this.#sent.get(fd));
  }

  /** Removes the connections that were closed. @returns how many */
  removeClosed(): number {
    const closed = this.fds.filter((fd) => this.set.table.state(fd) === FREE);
    for (const fd of closed) this.#sent.delete(fd);
    return closed.length;
  }

  /** One more event for each; all that was ever sent arrives. */
  async settle(): Promise<void> {
    for (const fd of this.fds) this.send(fd);
    await until(() => this.arrived(), 'every event of every connection that lives');
  }
}

/** A listening socket, and clients of it. */
export function listen(backlog = 16) {
  const fd = bindListener({ address: '127.0.0.1', family: 'IPv4', port: 0 });
  startListening(fd, backlog);
  const { port } = localAddress(fd)!;
  const clients: Socket[] = [];
  return {
    fd,
    async client(): Promise<Socket> {
      const socket = connect(port, '127.0.0.1');
      clients.push(socket);
      await once(socket, 'connect');
      return socket;
    },
    close(): void {
      for (const socket of clients) socket.destroy();
      closeDescriptor(fd);
    },
  };
}
