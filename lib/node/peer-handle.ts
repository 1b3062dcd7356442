/** What a socket without a libuv handle has in its place. */
import type { AddressInfo } from 'node:net';
// Imported, because a program may replace the global (fake timers of a test).
import { setImmediate } from 'node:timers';
import type { SocketAddress } from '../sys/socket.js';

const ESRCH = 3;

/** The socket's connection as its handle sees it. */
interface Ends {
  /** Null while this thread does not have the connection. */
  readonly link: object | null;
  readonly peer: { local(): SocketAddress | undefined; remote(): SocketAddress | undefined };
  handleClosed(): void;
}

/** In place of a libuv handle: what `lib/net.js` calls of one. */
export class PeerHandle {
  readonly #state: Ends;
  readonly isStreamBase = false;
  reading = false;
  bytesRead = 0;
  bytesWritten = 0;
  onread: unknown = null;
  fd = -1;

  constructor(state: Ends) {
    this.#state = state;
  }

  getsockname(out: Partial<AddressInfo>): number {
    return describe(this.#state.link === null ? undefined : this.#state.peer.local(), out);
  }

  getpeername(out: Partial<AddressInfo>): number {
    return describe(this.#state.link === null ? undefined : this.#state.peer.remote(), out);
  }

  close(closed?: () => void): void {
    this.#state.handleClosed();
    // As libuv's callback comes: after all ticks and promise reactions.
    if (closed !== undefined) setImmediate(closed);
  }

  /** As close, but the client gets a reset. */
  reset(closed?: () => void): number {
    this.close(closed);
    return 0;
  }

  // TCP_NODELAY is set on every connection that is accepted; keep-alive probes are the listener's matter.
  setNoDelay(): number {
    return 0;
  }
  setKeepAlive(): number {
    return 0;
  }
  readStart(): number {
    return 0;
  }
  readStop(): number {
    return 0;
  }
  ref(): void {}
  unref(): void {}
  hasRef(): boolean {
    return true;
  }
  getAsyncId(): number {
    return 0;
  }
}

function describe(address: SocketAddress | undefined, out: Partial<AddressInfo>): number {
  if (address === undefined) return -ESRCH;
  // Node tells nothing of the two ends of a Unix socket.
  if (address.family === 'Unix') return 0;
  out.address = address.address;
  out.family = address.family;
  out.port = address.port;
  return 0;
}
