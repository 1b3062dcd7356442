// One client of the stream of ticks (servers/ticks.ts), on a raw socket.

import { connect, type Socket } from 'node:net';
import { requestFor } from './connection.js';

/** The arrival and the sending of each tick so far, by number; in milliseconds, on the client's and the server's clock. */
export interface Ticks {
  readonly arrivedMs: number[];
  readonly sentMs: number[];
}

/** An event. The sizes of the chunks, which stand between events, are skipped. */
const TICK = /id: (\d+)\ndata: ([\d.]+)\n\n/g;

export class TickStream implements Ticks {
  readonly arrivedMs: number[] = [];
  readonly sentMs: number[] = [];
  readonly #socket: Socket;
  #input = '';
  #broken = false;

  constructor(port: number, tickMs: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text: string) => this.#receive(text));
    this.#socket.on('error', () => this.#break());
    this.#socket.on('close', () => this.#break());
    this.#socket.write(requestFor(`/ticks?ms=${tickMs}`));
  }

  /** Whether the stream ended by itself, or a number was missing. */
  get broken(): boolean {
    return this.#broken;
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(text: string): void {
    const nowMs = performance.now();
    this.#input += text;
    let end = 0;
    for (const match of this.#input.matchAll(TICK)) {
      if (Number(match[1]) !== this.arrivedMs.length) this.#break();
      this.arrivedMs.push(nowMs);
      this.sentMs.push(Number(match[2]));
      end = match.index + match[0].length;
    }
    this.#input = this.#input.slice(end);
  }

  #break(): void {
    this.#broken = true;
  }
}
