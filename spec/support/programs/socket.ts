/** A client of ws whose messages are awaited one after the other. */
import { once } from 'node:events';
import { type ClientOptions, type RawData, WebSocket } from 'ws';
import { within } from '../server/wait.js';

interface Message {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

export class Socket implements AsyncDisposable {
  readonly #messages: Message[] = [];
  #news: (() => void) | undefined;

  private constructor(readonly client: WebSocket) {
    client.on('message', (data: RawData, isBinary: boolean) => {
      this.#messages.push({ data: data as Buffer, isBinary });
      this.#news?.();
    });
    // A connection that breaks is seen by what waits for it.
    client.on('error', () => this.#news?.());
    client.on('close', () => this.#news?.());
  }

  static async open(url: string, protocols: string[] = [], options: ClientOptions = {}): Promise<Socket> {
    const socket = new Socket(new WebSocket(url, protocols, options));
    await within(`a websocket to ${url}`, once(socket.client, 'open'));
    return socket;
  }

  send(data: string | Uint8Array): void {
    this.client.send(data);
  }

  /** The next message, which has to be a text. */
  async text(): Promise<string> {
    const { data, isBinary } = await this.#next();
    if (isBinary) throw new Error(`${data.length} bytes instead of a text`);
    return data.toString();
  }

  /** The next message, which has to be binary. */
  async bytes(): Promise<Buffer> {
    const { data, isBinary } = await this.#next();
    if (!isBinary) throw new Error(`a text instead of bytes: ${data.toString().slice(0, 100)}`);
    return data;
  }

  /** The code and the reason with which the server closes the connection. */
  async closed(): Promise<[code: number, reason: string]> {
    const [code, reason] = (await within('the close of a websocket', once(this.client, 'close'))) as [
      number,
      Buffer,
    ];
    return [code, reason.toString()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.client.readyState === WebSocket.CLOSED) return;
    const closed = once(this.client, 'close');
    this.client.close();
    await within('the close of a websocket', closed);
  }

  async #next(): Promise<Message> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      if (this.client.readyState !== WebSocket.OPEN) throw new Error('the websocket has closed');
      await within(
        'a message',
        new Promise<void>((resolve) => {
          this.#news = resolve;
        }),
      );
    }
  }
}
