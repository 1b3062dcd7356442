/** A connection as a socket of this thread sees it, also while another thread has it. */
import type { DropArgument } from 'node:net';
import type { ThreadContext } from '../connection/event-handler.js';
import { localAddress, remoteAddress, type SocketAddress } from '../sys/socket.js';
import { breakConnection } from './break-connection.js';
import type { Peer } from './socket.js';

export class ConnectionPeer implements Peer {
  readonly #context: ThreadContext;
  readonly #fd: number;
  readonly generation: number;

  constructor(context: ThreadContext, fd: number) {
    this.#context = context;
    this.#fd = fd;
    this.generation = context.table.generation(fd);
  }

  // Only to be called while this thread has the connection: another one may close the descriptor at any time.
  local(): SocketAddress | undefined {
    return localAddress(this.#fd);
  }

  remote(): SocketAddress | undefined {
    return remoteAddress(this.#fd);
  }

  closeElsewhere(): void {
    this.#context.defer({
      proceed: () => breakConnection(this.#context, this.#fd, this.generation),
      abort: () => {},
    });
  }
}

/** Both ends of a connection, as the server's event `drop` has them. */
export function endsOf(fd: number): DropArgument {
  const [local, remote] = [localAddress(fd), remoteAddress(fd)];
  return {
    localAddress: local?.address,
    localFamily: local?.family,
    localPort: local?.port,
    remoteAddress: remote?.address,
    remoteFamily: remote?.family,
    remotePort: remote?.port,
  } as DropArgument;
}
