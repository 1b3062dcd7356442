// One kept-alive HTTP/1.1 connection on a raw socket: a request costs the client far less than the server, and no pool of
// an HTTP client library hides waiting times.

import { connect, type Socket } from 'node:net';

/** How long an answer took, in milliseconds, and whether it was a 200. */
export interface Answer {
  readonly waitMs: number;
  readonly ok: boolean;
}

const EMPTY = Buffer.alloc(0);

/** The bytes of a request. The dashboard requires its own host and port in the Host field. */
export function requestFor(path: string, host = '127.0.0.1'): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 'latin1');
}

export class Connection {
  readonly #socket: Socket;
  #answered: ((answer: Answer) => void) | undefined;
  #startMs = 0;
  #input: Buffer = EMPTY;
  #lost = false;

  /**
   * Starts connecting; the first request may be sent at once, and its wait then includes connecting. `localAddress` is the
   * source address: one address has about 28,000 ports.
   */
  constructor(port: number, localAddress = '127.0.0.1') {
    this.#socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
    this.#socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    this.#socket.on('error', () => this.#lose());
    this.#socket.on('close', () => this.#lose());
  }

  /** Whether the connection was lost: every later request fails at once. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Sends one request, one at a time, and waits for its answer. A lost connection answers at once, not ok. */
  answer(request: Buffer): Promise<Answer> {
    if (this.#answered) throw new Error('a request is under way already');
    if (this.#lost) return Promise.resolve({ waitMs: 0, ok: false });
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#startMs = performance.now();
      this.#socket.write(request);
    });
  }

  /** Gives up waiting: the request under way, if any, counts as failed. */
  abandon(): void {
    this.#lose();
    this.#socket.destroy();
  }

  /** Closes without leaving a connection in TIME_WAIT, of which the kernel keeps a limited number. */
  reset(): void {
    this.#answered = undefined;
    this.#socket.resetAndDestroy();
  }

  close(): void {
    this.#answered = undefined;
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
    const headEnd = this.#input.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = this.#input.toString('latin1', 0, headEnd);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined)
      throw new Error(`an answer without Content-Length cannot be measured:\n${head}`);
    if (this.#input.length < headEnd + 4 + Number(length)) return;
    this.#input = EMPTY;
    this.#finish(head.startsWith('HTTP/1.1 200'));
  }

  #lose(): void {
    this.#lost = true;
    this.#finish(false);
  }

  #finish(ok: boolean): void {
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.({ waitMs: performance.now() - this.#startMs, ok });
  }
}
