/** An HTTP/1.1 client close to the wire: it sends bytes as they are given, and parses what it receives response by response. */
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { within } from './wait.js';

export interface Answer {
  readonly status: number;
  /** The status line and the fields as they were received. */
  readonly head: string;
  /** Names in lower case; the values of repeated fields joined by a comma. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  readonly text: string;
}

/** Where a server listens, as net.connect takes it. */
export type Target = NetConnectOpts;

/** Bytes of a large chunked body are searched from here on only. */
interface Input {
  chunks: Buffer[];
  length: number;
}

export class Client {
  readonly socket: Socket;
  /** Of its ends, which the socket does not tell any more once it has ended; 0 where it has no ports. */
  localPort = 0;
  remotePort = 0;
  readonly #input: Input = { chunks: [], length: 0 };
  #ended = false;
  #error: Error | null = null;
  #news: (() => void) | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#input.chunks.push(chunk);
      this.#input.length += chunk.length;
      this.#tell();
    });
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('end', () => this.#end());
    socket.on('close', () => this.#end());
  }

  static async connect(target: Target): Promise<Client> {
    const socket = connect({ ...target });
    socket.setNoDelay(true);
    const client = new Client(socket);
    await within(
      'a connection',
      new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
      }),
    );
    client.localPort = socket.localPort ?? 0;
    client.remotePort = socket.remotePort ?? 0;
    return client;
  }

  /** Sends bytes; resolves once the kernel has them. */
  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(bytes, () => resolve());
    });
  }

  /** A request without a body, and its answer. */
  async get(path: string, fields = ''): Promise<Answer> {
    void this.send(`GET ${path} HTTP/1.1\r\nhost: test\r\n${fields}\r\n`);
    return this.answer();
  }

  /** A request with a body of known length, and its answer. */
  async post(path: string, body: string | Uint8Array, fields = ''): Promise<Answer> {
    const bytes = Buffer.from(body);
    void this.send(`POST ${path} HTTP/1.1\r\nhost: test\r\ncontent-length: ${bytes.length}\r\n${fields}\r\n`);
    void this.send(bytes);
    return this.answer();
  }

  /** The next complete response. `toHead`: it answers a HEAD request, so it has no body. */
  async answer({ toHead = false } = {}): Promise<Answer> {
    let end = -1;
    while (end < 0) {
      end = this.#joined().indexOf('\r\n\r\n');
      if (end < 0 && !(await this.#more()))
        throw new Error(`the connection ended before a head: ${this.#why()}`);
    }
    const head = this.#take(end + 4).toString('latin1');
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(head) ?? [];
    if (status === undefined) throw new Error(`no status line: ${JSON.stringify(head.slice(0, 200))}`);
    const headers = fieldsOf(head);
    const bodyless = toHead || status.startsWith('1') || status === '204' || status === '304';
    const body = bodyless ? Buffer.alloc(0) : await this.#body(headers);
    return { status: Number(status), head, headers, body, text: body.toString() };
  }

  /** Reads `count` bytes. */
  async bytes(count: number): Promise<Buffer> {
    while (this.#input.length < count) {
      if (!(await this.#more()))
        throw new Error(`the connection ended after ${this.#input.length}: ${this.#why()}`);
    }
    return this.#take(count);
  }

  /** Reads to the end of the connection. */
  async rest(): Promise<Buffer> {
    while (await this.#more()) {}
    return this.#take(this.#input.length);
  }

  /** Received bytes that were not read. */
  get waiting(): number {
    return this.#input.length;
  }

  /** Whether the server has ended the connection. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The socket's error, if it broke. */
  get error(): Error | null {
    return this.#error;
  }

  /** Half-closes: ends the sending direction only. */
  end(): void {
    this.socket.end();
  }

  /** Closes the connection; resolves once the socket is closed. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.closed) resolve();
      this.socket.once('close', () => resolve());
      this.socket.destroy();
    });
  }

  async #body(headers: ReadonlyMap<string, string>): Promise<Buffer> {
    const length = headers.get('content-length');
    if (length !== undefined) return this.bytes(Number(length));
    if (headers.get('transfer-encoding') !== 'chunked') return this.rest();
    const parts: Buffer[] = [];
    for (;;) {
      const size = Number.parseInt(await this.#line(), 16);
      if (!(size >= 0)) throw new Error('no chunk size');
      if (size > 0) parts.push(await this.bytes(size));
      if ((await this.#line()) !== '') throw new Error('a chunk has no end');
      if (size === 0) return Buffer.concat(parts);
    }
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = (this.#input.chunks[0] ?? Buffer.alloc(0)).indexOf('\r\n');
      if (end >= 0) return this.#take(end + 2).toString('latin1', 0, end);
      if (this.#input.chunks.length > 1) this.#joined();
      else if (!(await this.#more())) throw new Error(`the connection ended in a chunk: ${this.#why()}`);
    }
  }

  #joined(): Buffer {
    const all = Buffer.concat(this.#input.chunks);
    this.#input.chunks = [all];
    return all;
  }

  #take(count: number): Buffer {
    const all = this.#input.chunks.length === 1 ? this.#input.chunks[0]! : this.#joined();
    this.#input.chunks = [all.subarray(count)];
    this.#input.length -= count;
    return all.subarray(0, count);
  }

  /** @returns false at the end */
  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    const before = this.#input.length;
    await within(
      'bytes from the server',
      new Promise<void>((resolve) => {
        this.#news = resolve;
      }),
    );
    return !this.#ended || this.#input.length > before;
  }

  #tell(): void {
    this.#news?.();
    this.#news = null;
  }

  #end(): void {
    this.#ended = true;
    this.#tell();
  }

  #why(): string {
    return this.#error?.message ?? 'in order';
  }
}

function fieldsOf(head: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of head.split('\r\n').slice(1, -2)) {
    const [, name, value] = /^([^:\s]+): ?(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`no field: ${JSON.stringify(line)}`);
    const before = headers.get(name.toLowerCase());
    headers.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}
