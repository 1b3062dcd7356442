/** The spec's side of fixtures/server/event-loop.ts: a connection from each thread's own event loop, on which lines are exchanged. */
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { until } from './wait.js';

class ThreadLine {
  readonly lines: string[] = [];

  constructor(readonly socket: Socket) {
    createInterface({ input: socket }).on('line', (line) => this.lines.push(line));
    socket.on('error', () => {});
  }

  tell(command: string): void {
    this.socket.write(`${command}\n`);
  }

  count(line: string): number {
    return this.lines.filter((one) => one === line).length;
  }
}

export class ThreadLines implements AsyncDisposable {
  readonly threads: ThreadLine[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((socket) => this.threads.push(new ThreadLine(socket)));
  }

  static async open(): Promise<ThreadLines> {
    const lines = new ThreadLines();
    await new Promise<void>((resolve) => {
      lines.#server.listen(0, '127.0.0.1', resolve);
    });
    return lines;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Resolves once so many threads have connected. */
  connected(count: number): Promise<void> {
    return until(`${count} threads have called`, () => this.threads.length === count);
  }

  /** Sends a line to every thread at once. */
  tellAll(command: string): void {
    for (const thread of this.threads) thread.tell(command);
  }

  /** Resolves once every thread has sent `line` `times` times. */
  said(line: string, times = 1): Promise<void> {
    return until(`every thread says "${line}" ${times} times`, () =>
      this.threads.every((thread) => thread.count(line) >= times),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.threads) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
