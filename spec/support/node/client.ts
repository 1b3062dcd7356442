/** A client that sends bytes and keeps what it receives: it knows nothing of HTTP. */
import { connect, type Socket } from 'node:net';

interface Waiter {
  readonly holds: () => boolean;
  readonly resolve: () => void;
}

/** Where a server listens. */
export type Target = { readonly port: number; readonly host: string } | { readonly path: string };

export class Client {
  readonly socket: Socket;
  /** Of what has been received, latin1. */
  received = '';
  /** How the server's half ended: with a FIN, or with a reset. */
  ended: 'open' | 'end' | 'reset' = 'open';
  #closed = false;
  #own = false;
  #waiters: Waiter[] = [];

  constructor(target: Target) {
    this.socket = connect({ ...target, allowHalfOpen: true, noDelay: true });
    this.socket.on('data', (chunk) => {
      this.received += chunk.toString('latin1');
      this.#wake();
    });
    this.socket.on('end', () => this.#end('end'));
    this.socket.on('error', () => this.#end('reset'));
    this.socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** Resolves once the system has taken the bytes, or the connection has failed. */
  send(bytes: string | Uint8Array): Promise<void> {
    const data = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    return new Promise((resolve) => this.socket.write(data, () => resolve()));
  }

  async sendBytewise(bytes: string): Promise<void> {
    for (const byte of bytes) await this.send(byte);
  }

  /** Resolves once `text` has been received `times` times, or nothing more can come. */
  seen(text: string, times = 1): Promise<void> {
    return this.#until(() => this.received.split(text).length > times || this.ended !== 'open');
  }

  /** Resolves once the server's half has ended, in whatever way. */
  over(): Promise<void> {
    return this.#until(() => this.ended !== 'open' || this.#closed);
  }

  closed(): Promise<void> {
    return this.#until(() => this.#closed);
  }

  /** Ends this half; the other one goes on. */
  end(): void {
    if (!this.socket.writableEnded) this.socket.end();
  }

  /** Closes both halves: a FIN, if all that came has been read. */
  destroy(): void {
    this.#own = true;
    this.socket.destroy();
  }

  reset(): void {
    this.#own = true;
    this.socket.resetAndDestroy();
  }

  #end(how: 'end' | 'reset'): void {
    if (this.ended === 'open' && !this.#own) this.ended = how;
    this.#wake();
  }

  #until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ holds, resolve });
      this.#wake();
    });
  }

  #wake(): void {
    const due = this.#waiters.filter(({ holds }) => holds());
    this.#waiters = this.#waiters.filter((waiter) => !due.includes(waiter));
    for (const { resolve } of due) resolve();
  }
}
