/** The verdicts of two servers on the same bytes: this one, seen over the wire, and node:http's, seen from inside. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Target } from '../server/http-client.js';
import { within } from '../server/wait.js';

/** A request as its handler saw it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: [string, string][];
  readonly body: string;
}

export interface Verdict {
  /** The requests that were complete. */
  readonly messages: Seen[];
  /** Why the connection was refused in the end: a status, or node's error code. undefined: it was not. */
  readonly refused: string | undefined;
}

/** Sends the pieces, each in an iteration of the event loop of its own, and the end. @returns all bytes received */
export async function sendAll(
  target: Target,
  pieces: readonly Uint8Array[],
  connected: (localPort: number) => void = () => {},
): Promise<Buffer> {
  const socket = connect({ ...target, allowHalfOpen: true } as Target);
  socket.setNoDelay(true);
  const parts: Buffer[] = [];
  const closed = new Promise<void>((resolve) => {
    socket.on('data', (part: Buffer) => parts.push(part));
    // A server that refuses may close while more bytes are in flight: the reset is part of the refusal.
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.on('end', () => socket.end());
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  connected(socket.localPort!);
  for (const piece of pieces) {
    if (socket.destroyed || !socket.writable) break;
    await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
    await new Promise(setImmediate);
  }
  socket.end();
  await within('the server to close the connection', closed);
  return Buffer.concat(parts);
}

/** Reads the answers of fixtures/http/mirror.ts. */
export function verdictOf(answers: Buffer): Verdict {
  const text = answers.toString('latin1');
  const messages: Seen[] = [];
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\r\n\r\n', at) + 4;
    const head = text.slice(at, end);
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1];
    if (end < 4 || status === undefined)
      throw new Error(`no answer: ${JSON.stringify(text.slice(at, at + 200))}`);
    const seen = /^x-seen: (.*)\r$/m.exec(head)?.[1];
    const length = seen !== undefined ? 0 : Number(/^content-length: (\d+)\r$/m.exec(head)?.[1] ?? 0);
    at = end + length;
    if (at > text.length) throw new Error('an answer is cut off');
    // The content of the last request did not end, which is no refusal.
    if (status === '499') return { messages, refused: undefined };
    if (status === '200') {
      const json = seen === undefined ? answers.toString('utf8', end, at) : decodeURIComponent(seen);
      messages.push(JSON.parse(json) as Seen);
    } else if (!status.startsWith('1')) return { messages, refused: status };
  }
  return { messages, refused: undefined };
}

/** node's error codes that are no refusal: the bytes ended, or came after the last message. */
const NO_REFUSAL = new Set(['HPE_INVALID_EOF_STATE', 'HPE_CLOSED_CONNECTION', 'ECONNRESET']);

/** What the reference server received on one connection. */
interface Record {
  readonly messages: Seen[];
  refused: string | undefined;
}

/** node:http's server, strict, which records what it receives on each connection. */
export class NodeServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #records = new Map<number, Record>();

  private constructor() {
    const options = {
      insecureHTTPParser: false,
      requireHostHeader: false,
      keepAliveTimeout: 0,
      headersTimeout: 0,
    };
    this.#server = createServer(options, (request, response) => this.#take(request, response));
    this.#server.on('connect', (request, socket) => {
      this.#recordOf(socket)?.messages.push(seenIn(request, ''));
      socket.end();
    });
    this.#server.on('checkExpectation', (request, response) => this.#take(request, response, 'expectation'));
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      const record = this.#recordOf(socket);
      if (record !== undefined && !NO_REFUSAL.has(error.code!)) record.refused ??= error.code!;
      // Messages that are complete may not have emitted their end events yet.
      setImmediate(() => setImmediate(() => socket.end()));
    });
  }

  static async start(): Promise<NodeServer> {
    const node = new NodeServer();
    await new Promise<void>((resolve) => {
      node.#server.listen(0, '127.0.0.1', resolve);
    });
    return node;
  }

  async judge(pieces: readonly Uint8Array[]): Promise<Verdict> {
    const record: Record = { messages: [], refused: undefined };
    const { port } = this.#server.address() as { port: number };
    let localPort = 0;
    await sendAll({ host: '127.0.0.1', port }, pieces, (own) => {
      localPort = own;
      this.#records.set(own, record);
    });
    this.#records.delete(localPort);
    return record;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** By the client's port; undefined once the client has seen the connection end. */
  #recordOf(socket: Duplex): Record | undefined {
    return this.#records.get((socket as Socket).remotePort ?? 0);
  }

  #take(request: IncomingMessage, response: ServerResponse, refusal?: string): void {
    const record = this.#recordOf(request.socket);
    if (record === undefined || record.refused !== undefined) return;
    // Its server does this by itself, but in a way that only the wire shows.
    const hostless = request.httpVersion === '1.1' && request.headers.host === undefined;
    const refused = hostless ? 'no Host' : refusal;
    if (refused !== undefined) {
      record.refused = refused;
      // A message that is complete has not emitted its end event yet.
      setImmediate(() => setImmediate(() => request.socket.destroy()));
      return;
    }
    let body = '';
    request.setEncoding('latin1').on('data', (part: string) => {
      body += part;
    });
    request.on('error', () => {});
    request.on('end', () => {
      record.messages.push(seenIn(request, body));
      // Without this field node closes HTTP/1.0 connections.
      response.setHeader('content-length', 0).end();
    });
  }
}

function seenIn({ method, url, rawHeaders }: IncomingMessage, body: string): Seen {
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
  return { method: method!, url: url!, headers: [...headers], body };
}
